using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Antlr4.Runtime;
using Antlr4.Runtime.Tree;
using Lips.Core;
using Lips.Grammar;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;
using static Lips.Grammar.LipsParser;

namespace Lips.Compiler;

/// <summary>
/// Builds the syntax of a spec from the parser's tree, which goes no further than here. Recursion is
/// bounded by <see cref="TokenGuard"/>.
/// </summary>
internal sealed partial class SyntaxBuilder(SourceText source, IList<IToken> tokens, List<Diagnostic> found)
{
    internal Syntax.Spec Build(SpecContext tree)
    {
        FSharpList<Syntax.Declaration> declarations = ListModule.OfSeq(Separated(tree, tree.declaration()).Select(Declaration));
        return new Syntax.Spec(source, declarations, ListModule.OfSeq(tokens.Where(t => t.Type == LipsLexer.COMMENT).Select(Comment)));
    }

    private static Syntax.Comment Comment(IToken token) => new(token.Text.TrimEnd(), Places.Of(token));

    private Syntax.Declaration Declaration(DeclarationContext tree)
    {
        switch (tree)
        {
            case UseDeclarationContext use:
                return Syntax.Declaration.NewUse(Literals.Text(use.TEXT().GetText()), Places.Of(use.TEXT().Symbol));
            case LetDeclarationContext let:
                return Syntax.Declaration.NewLetTop(Name(let.NAME()), Expression(let.expression()));
            case ModelDeclarationContext model:
                return Syntax.Declaration.NewModel(Name(model.NAME()), Parameters(model.parameters()), Norm(model.inNorm()), Body(model.body()));
            default:
                var block = (BlockDeclarationContext)tree;
                return Syntax.Declaration.NewBlock(Name(block.NAME()), Parameters(block.parameters()), Body(block.body()));
        }
    }

    /// <summary>The items of a list, each of which must have a separator before the next.</summary>
    private T[] Separated<T>(ParserRuleContext list, T[] items) where T : ParserRuleContext
    {
        for (int i = 1; i < list.ChildCount; i++)
        {
            if (list.GetChild(i) is T item && list.GetChild(i - 1) is T)
            {
                Report(Places.Of(item.Start), Problem.NewMissingSeparator(SyntaxErrors.Describe(item.Start)));
            }
        }

        return items;
    }

    private FSharpList<Syntax.Parameter> Parameters(ParametersContext? tree) =>
        tree is null
            ? FSharpList<Syntax.Parameter>.Empty
            : ListModule.OfSeq(tree.parameter().Select(p => new Syntax.Parameter(
                p.LAYER() is not null,
                Name(p.NAME()),
                p.expression() is { } value ? Some(Expression(value)) : null)));

    private static FSharpOption<Syntax.NormPair>? Norm(InNormContext? tree)
    {
        if (tree is null)
        {
            return null;
        }

        ITerminalNode[] names = tree.NAME();
        FSharpOption<Syntax.Name>? to = names.Length > 1 ? Some(Name(names[1])) : null;
        return Some(new Syntax.NormPair(Name(names[0]), to, Places.Of(tree)));
    }

    private Syntax.Body Body(BodyContext tree) =>
        new(ListModule.OfSeq(Separated(tree, tree.statement()).Select(Statement)), Places.Of(tree));

    private Syntax.Statement Statement(StatementContext tree)
    {
        Syntax.StatementNode node = tree switch
        {
            InputStatementContext input => Input(input),
            WeightsStatementContext weights => Syntax.StatementNode.NewWeights(Selector(weights.selector()), Arguments(weights.arguments())),
            LetStatementContext let => Syntax.StatementNode.NewLet(Name(let.NAME()), Expression(let.expression())),
            ClaimStatementContext claim => Syntax.StatementNode.NewClaim(Claim(claim.claim())),
            RecipeStatementContext recipe => Syntax.StatementNode.NewRecipe(ListModule.OfSeq(Separated(recipe.recipe(), recipe.recipe().entry()).Select(Entry))),
            ForStatementContext loop => Syntax.StatementNode.NewFor(
                Name(loop.NAME()), Expression(loop.expression(0)), Expression(loop.expression(1)), Body(loop.body())),
            ChoiceStatementContext choice => Choice(choice.choice()),
            ChainStatementContext chain => Syntax.StatementNode.NewStep(null, Chain(chain.chain())),
            _ => Layer((LayerStatementContext)tree),
        };
        return new Syntax.Statement(node, Places.Of(tree));
    }

    private Syntax.StatementNode Choice(ChoiceContext tree)
    {
        FSharpOption<Syntax.Body>? otherwise = null;
        if (tree.choice() is { } next)
        {
            // `else if` is an else whose body is the next choice, standing at the same place.
            var only = new Syntax.Statement(Choice(next), Places.Of(next));
            otherwise = Some(new Syntax.Body(ListModule.OfSeq([only]), Places.Of(next)));
        }
        else if (tree.body().Length > 1)
        {
            otherwise = Some(Body(tree.body(1)));
        }

        return Syntax.StatementNode.NewIf(Expression(tree.expression()), Body(tree.body(0)), otherwise);
    }

    private Syntax.StatementNode Input(InputStatementContext tree) =>
        tree.call() is { } named
            ? Syntax.StatementNode.NewInput(Some(Name(tree.NAME())), Call(named))
            : Syntax.StatementNode.NewInput(null, Call(tree.NAME(), tree.arguments()));

    private Syntax.StatementNode Layer(LayerStatementContext tree)
    {
        FSharpOption<Syntax.Name>? point = tree.ASSIGN() is null ? null : Some(Name(tree.NAME()));
        Syntax.Node node =
            tree.chain() is { } chain ? Chain(chain)
            : tree.layer() is { } layer ? Syntax.Node.NewLayer(Call(layer.call()), Optional(layer.body()))
            : Syntax.Node.NewLayer(Call(tree.NAME(), tree.arguments()), Optional(tree.body()));
        return Syntax.StatementNode.NewStep(point, node);
    }

    private Syntax.Node Chain(ChainContext tree) => tree switch
    {
        RepeatChainContext repeat => Syntax.Node.NewRepeat(
            Expression(repeat.expression()), repeat.NAME() is { } index ? Some(Name(index)) : null, Body(repeat.body())),
        FromChainContext from => Syntax.Node.NewFrom(Path(from.path()), Body(from.body())),
        _ => throw new InvalidOperationException("the grammar has a chain that the builder does not know"),
    };

    private Syntax.Claim Claim(ClaimContext tree)
    {
        PathContext[] paths = tree.path();
        Syntax.Relation relation =
            tree.LE() is not null ? Syntax.Relation.AtMost
            : tree.LT() is not null ? Syntax.Relation.Below
            : tree.GE() is not null ? Syntax.Relation.AtLeast
            : Syntax.Relation.Exactly;
        return new Syntax.Claim(
            Name(tree.NAME()),
            paths.Length > 0 ? Some(Path(paths[0])) : null,
            paths.Length > 1 ? Some(Path(paths[1])) : null,
            relation,
            Sum(tree.sum()),
            Norm(tree.inNorm()),
            Written(tree),
            Places.Of(tree));
    }

    /// <summary>What was written, on one line and without comments.</summary>
    private string Written(ParserRuleContext tree)
    {
        var text = new StringBuilder();
        IToken? before = null;
        for (int i = tree.Start.TokenIndex; i <= tree.Stop.TokenIndex; i++)
        {
            if (tokens[i].Channel != TokenConstants.DefaultChannel)
            {
                continue;
            }

            text.Append(before is not null && before.StopIndex + 1 < tokens[i].StartIndex ? " " : "").Append(tokens[i].Text);
            before = tokens[i];
        }

        return text.ToString();
    }

    private Syntax.RecipeEntry Entry(EntryContext tree) =>
        new(Path(tree.path()), Selector(tree.selector()), Expression(tree.expression()), Places.Of(tree));

    private static FSharpOption<Syntax.Selector>? Selector(SelectorContext? tree) =>
        tree is null ? null : Some(new Syntax.Selector(ListModule.OfSeq(tree.NAME().Select(Name)), Places.Of(tree)));

    private Syntax.Call Call(CallContext tree) => Call(tree.NAME(), tree.arguments());

    private Syntax.Call Call(ITerminalNode kind, ArgumentsContext? arguments) => new(
        Name(kind),
        arguments is null ? null : Some(Arguments(arguments)),
        Places.Of(kind.Symbol, arguments is null ? kind.Symbol : arguments.Stop));

    private Syntax.Path Path(PathContext tree)
    {
        var parts = new List<Syntax.PathPart>();
        foreach (IParseTree child in tree.children)
        {
            switch (child)
            {
                case ITerminalNode { Symbol.Type: LipsLexer.NAME } first:
                    parts.Add(Syntax.PathPart.NewField(Name(first)));
                    break;
                case WordContext word:
                    parts.Add(Syntax.PathPart.NewField(Name(word.Start)));
                    break;
                case ExpressionContext index:
                    parts.Add(Syntax.PathPart.NewItem(Expression(index)));
                    break;
            }
        }

        return new Syntax.Path(ListModule.OfSeq(parts), Places.Of(tree));
    }

    private static Syntax.Name Name(ITerminalNode node) => Name(node.Symbol);

    private static Syntax.Name Name(IToken token) => new(token.Text, Places.Of(token));

    private FSharpOption<Syntax.Body>? Optional(BodyContext? tree) => tree is null ? null : Some(Body(tree));

    private static FSharpOption<T> Some<T>(T value) => FSharpOption<T>.Some(value);
}
