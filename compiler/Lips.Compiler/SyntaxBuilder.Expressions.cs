using System;
using System.Collections.Generic;
using System.Linq;
using Antlr4.Runtime;
using Antlr4.Runtime.Tree;
using Lips.Core;
using Lips.Grammar;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;
using static Lips.Grammar.LipsParser;

namespace Lips.Compiler;

internal sealed partial class SyntaxBuilder
{
    private Syntax.Expr Expression(ExpressionContext tree)
    {
        if (tree.disjunction() is { } disjunction)
        {
            return Chain(disjunction, child => Chain((ConjunctionContext)child, negation => Negation((NegationContext)negation)));
        }

        return new Syntax.Expr(
            Syntax.ExprNode.NewConditional(Expression(tree.expression(0)), Expression(tree.expression(1)), Expression(tree.expression(2))),
            Places.Of(tree));
    }

    private Syntax.Expr Negation(NegationContext tree) =>
        tree.negation() is { } operand
            ? new Syntax.Expr(Syntax.ExprNode.NewUnary(Syntax.Unary.Not, Negation(operand)), Places.Of(tree))
            : Chain(tree.comparison(), sum => Sum((SumContext)sum));

    private Syntax.Expr Sum(SumContext tree) =>
        Chain(tree, product => Chain((ProductContext)product, factor => Factor((FactorContext)factor)));

    /// <summary>Operands with operators between them, from left to right: `a - b + c` is `(a - b) + c`.</summary>
    private static Syntax.Expr Chain(ParserRuleContext tree, Func<IParseTree, Syntax.Expr> operand)
    {
        Syntax.Expr left = operand(tree.GetChild(0));
        for (int i = 1; i + 1 < tree.ChildCount; i += 2)
        {
            IToken symbol = ((ITerminalNode)tree.GetChild(i)).Symbol;
            Syntax.Expr right = operand(tree.GetChild(i + 1));
            Span span = Places.Of(tree.Start, ((ParserRuleContext)tree.GetChild(i + 1)).Stop);
            left = new Syntax.Expr(Syntax.ExprNode.NewBinary(Operator(symbol), left, right), span);
        }

        return left;
    }

    private static Syntax.Binary Operator(IToken symbol) => symbol.Type switch
    {
        LipsLexer.PLUS => Syntax.Binary.Add,
        LipsLexer.MINUS => Syntax.Binary.Subtract,
        LipsLexer.STAR => Syntax.Binary.Multiply,
        LipsLexer.SLASH => Syntax.Binary.Divide,
        LipsLexer.PERCENT => Syntax.Binary.Modulo,
        LipsLexer.LT => Syntax.Binary.Less,
        LipsLexer.LE => Syntax.Binary.LessOrEqual,
        LipsLexer.GT => Syntax.Binary.Greater,
        LipsLexer.GE => Syntax.Binary.GreaterOrEqual,
        LipsLexer.EQ => Syntax.Binary.Equal,
        LipsLexer.NE => Syntax.Binary.NotEqual,
        LipsLexer.AND => Syntax.Binary.And,
        LipsLexer.OR => Syntax.Binary.Or,
        _ => throw new InvalidOperationException("the grammar has an operator that the builder does not know"),
    };

    private Syntax.Expr Factor(FactorContext tree)
    {
        if (tree.postfix() is not { } power)
        {
            return new Syntax.Expr(Syntax.ExprNode.NewUnary(Syntax.Unary.Negate, Factor(tree.factor())), Places.Of(tree));
        }

        Syntax.Expr value = Postfix(power);
        return tree.factor() is { } exponent
            ? new Syntax.Expr(Syntax.ExprNode.NewBinary(Syntax.Binary.Power, value, Factor(exponent)), Places.Of(tree))
            : value;
    }

    private Syntax.Expr Postfix(PostfixContext tree)
    {
        Syntax.Expr value = Primary(tree.primary());
        for (int i = 1; i < tree.ChildCount;)
        {
            if (tree.GetChild(i + 1) is WordContext word)
            {
                value = new Syntax.Expr(Syntax.ExprNode.NewMember(value, Name(word.Start)), Places.Of(tree.Start, word.Start));
                i += 2;
                continue;
            }

            Syntax.Expr first = Expression((ExpressionContext)tree.GetChild(i + 1));
            bool slice = tree.GetChild(i + 3) is ExpressionContext;
            Syntax.ExprNode node = slice
                ? Syntax.ExprNode.NewSlice(value, first, Expression((ExpressionContext)tree.GetChild(i + 3)))
                : Syntax.ExprNode.NewIndex(value, first);
            i += slice ? 5 : 3;
            value = new Syntax.Expr(node, Places.Of(tree.Start, ((ITerminalNode)tree.GetChild(i - 1)).Symbol));
        }

        return value;
    }

    private Syntax.Expr Primary(PrimaryContext tree)
    {
        Syntax.ExprNode node = tree switch
        {
            NumberPrimaryContext number => Number(number.NUMBER().GetText()),
            TextPrimaryContext text => Syntax.ExprNode.NewText(Literals.Text(text.TEXT().GetText())),
            BooleanPrimaryContext boolean => Syntax.ExprNode.NewBoolean(boolean.TRUE() is not null),
            NamePrimaryContext name => Syntax.ExprNode.NewNamed(
                Name(name.NAME()), name.arguments() is { } arguments ? Some(Arguments(arguments)) : null),
            ListPrimaryContext list => Syntax.ExprNode.NewList(ListModule.OfSeq(list.expression().Select(Expression))),
            _ => Syntax.ExprNode.NewGroup(Expression(((GroupPrimaryContext)tree).expression())),
        };
        return new Syntax.Expr(node, Places.Of(tree));
    }

    // A number beyond the limits has its error already, so that no one will see what stands for it here.
    private static Syntax.ExprNode Number(string written) =>
        Syntax.ExprNode.NewNumber(Literals.Number(written), written);

    private FSharpList<Syntax.Argument> Arguments(ArgumentsContext tree) => ListModule.OfSeq(tree.argument().Select(Argument));

    private Syntax.Argument Argument(ArgumentContext tree)
    {
        if (tree is WordArgumentContext word)
        {
            IEnumerable<IToken> parts = word.word().Select(w => w.Start).Prepend(word.labelWord().Start);
            var fields = ListModule.OfSeq(parts.Select(t => Syntax.PathPart.NewField(Name(t))));
            var path = new Syntax.Path(fields, Places.Of(word.Start, parts.Last()));
            return new Syntax.Argument(Some(path), Expression(word.expression()), Places.Of(tree));
        }

        ExpressionContext[] values = ((PlainArgumentContext)tree).expression();
        Syntax.Expr first = Expression(values[0]);
        if (values.Length == 1)
        {
            return new Syntax.Argument(null, first, Places.Of(tree));
        }

        var label = new List<Syntax.PathPart>();
        if (!Label(first, label))
        {
            Report(first.Span, Problem.NewUnexpected(
                "a value before ':'",
                ListModule.OfSeq(["the name of an argument"]),
                Some("Arguments are written 'name: value', where the name is like heads or out.init.")));
        }

        return new Syntax.Argument(Some(new Syntax.Path(ListModule.OfSeq(label), first.Span)), Expression(values[1]), Places.Of(tree));
    }

    /// <summary>The parts of what stands before ':', or false if it is no path.</summary>
    private static bool Label(Syntax.Expr value, List<Syntax.PathPart> parts)
    {
        switch (value.Node)
        {
            case Syntax.ExprNode.Named { arguments: null } named:
                parts.Add(Syntax.PathPart.NewField(named.name));
                return true;
            case Syntax.ExprNode.Boolean boolean:
                parts.Add(Syntax.PathPart.NewField(new Syntax.Name(boolean.Item ? "true" : "false", value.Span)));
                return true;
            case Syntax.ExprNode.Member member when Label(member.Item1, parts):
                parts.Add(Syntax.PathPart.NewField(member.Item2));
                return true;
            case Syntax.ExprNode.Index index when Label(index.Item1, parts):
                parts.Add(Syntax.PathPart.NewItem(index.index));
                return true;
            default:
                return false;
        }
    }

    private void Report(Span span, Problem problem) => found.Add(DiagnosticModule.create(source.Path, span, problem));
}
