namespace Lips.Core

open System
open System.Globalization
open System.Numerics

/// A program as the body of a C# method from `Norms norms` to `UpperBound`: one line per bound value with its
/// comment, one `for` per loop. It performs the operations of `Evaluate.run Evaluate.upper` in the same order.
module BoundCSharp =

    let private culture = CultureInfo.InvariantCulture

    type private Strength =
        | Sum
        | Product
        | Primary

    /// Text, what binds it, and whether it is an integer literal, which C# would add to another by itself.
    type private Text =
        { Code: string
          Strength: Strength
          Literal: bool }

    type private Names =
        { /// Index names of the enclosing loops with their C# names.
          Indices: (string * string) list
          /// C# name of the innermost head index.
          Head: string option
          Depth: int }

    let private primary code = { Code = code; Strength = Primary; Literal = false }

    let private whole (n: BigInteger) =
        if BigInteger.Abs n <= BigInteger Int64.MaxValue then
            n.ToString culture
        else
            "global::System.Numerics.BigInteger.Parse(\"" + n.ToString culture + "\")"

    let private constant (r: Rational) =
        if r.IsInteger && r.Numerator <= BigInteger Int64.MaxValue then
            { primary (whole r.Numerator) with Literal = true }
        else
            primary ("UpperBound.OfRational(" + whole r.Numerator + ", " + whole r.Denominator + ")")

    /// An operand of + or *, whose other operand may be a literal too.
    let private operand (other: Text) (t: Text) =
        if t.Literal && other.Literal then
            { t with Code = "(UpperBound)" + t.Code; Literal = false }
        else
            t

    let private enclosed weakest (t: Text) =
        let fits =
            match weakest, t.Strength with
            | Sum, _ -> true
            | Product, (Product | Primary) -> true
            | Primary, Primary -> true
            | _ -> false

        if fits then t.Code else "(" + t.Code + ")"

    let private quoted (names: Names) (weight: string) =
        let escaped = weight.Replace("\\", "\\\\").Replace("\"", "\\\"")

        let known = names.Indices |> List.filter (fun (name, _) -> weight.Contains("{" + name + "}"))

        if List.isEmpty known then
            "\"" + escaped + "\""
        else
            // Braces that name no index are text.
            let doubled = escaped.Replace("{", "{{").Replace("}", "}}")

            let filled =
                (doubled, known)
                ||> List.fold (fun text (name, code) -> text.Replace("{{" + name + "}}", "{" + code + "}"))

            "$\"" + filled + "\""

    let private measure (names: Names) (m: Measure) =
        let weights = String.Join(", ", m.Weight :: Option.toList m.Functional.Right |> List.map (quoted names))
        let call name = primary ("norms." + name + "(" + weights + ")")

        let headCall name =
            match names.Head with
            | Some head -> primary ("norms." + name + "(" + weights + ", " + head + ")")
            | None -> invalidOp ("the norm of a head's slice of " + m.Weight + " is read outside a sum over heads")

        match m.Functional with
        | Functional.SpectralNorm -> call "SpectralNorm"
        | Functional.HeadSpectralNorm -> headCall "HeadSpectralNorm"
        | Functional.LargestRow -> call "LargestRow"
        | Functional.HeadLargestRow -> headCall "HeadLargestRow"
        | Functional.VectorNorm -> call "VectorNorm"
        | Functional.HeadVectorNorm -> headCall "HeadVectorNorm"
        | Functional.LargestEntry -> call "LargestEntry"
        | Functional.OperatorNorm -> call "OperatorNorm"
        | Functional.LargestPairDistance -> call "LargestPairDistance"
        | Functional.Product _ -> call "Product"
        | Functional.HeadProduct _ -> headCall "HeadProduct"
        | Functional.StackedProduct _ -> call "StackedProduct"
        | Functional.TransposedProduct _ -> call "TransposedProduct"
        | Functional.HeadTransposedProduct _ -> headCall "HeadTransposedProduct"
        | Functional.StackedTransposedProduct _ -> call "StackedTransposedProduct"
        | Functional.BlockGain(_, numbers) -> primary ("norms.BlockGain(" + weights + ", \"" + numbers + "\")")

    let private functionCall fn =
        let tokens name (n: int64) = name + "(" + n.ToString culture + ", "

        match fn with
        | Fn.Exp -> "Exp("
        | Fn.Cosh -> "Cosh("
        | Fn.DoeblinComplement n -> tokens "DoeblinComplement" n
        | Fn.LargestSoftmaxWeight n -> tokens "LargestSoftmaxWeight" n
        | Fn.CausalColumnMass n -> tokens "CausalColumnMass" n
        | Fn.SaturationG -> "SaturationG("
        | Fn.GeluGain -> "GeluGain("
        | Fn.SigmoidGain -> "SigmoidGain("
        | Fn.GeluTanhGain -> "GeluTanhGain("
        | Fn.GeluSlope -> "GeluSlope("
        | Fn.GeluTanhSlope -> "GeluTanhSlope("
        | Fn.SiluSlope -> "SiluSlope("
        | Fn.ShellGain(start, dim, eps) ->
            [ whole start.Numerator
              whole start.Denominator
              dim.ToString culture
              whole eps.Numerator
              whole eps.Denominator ]
            |> List.fold (fun text item -> text + item + ", ") "ShellGain("
        | Fn.LambertW n -> tokens "LambertW" n
        | Fn.SigmoidWeight(bias, slopes) -> "SigmoidWeight(" + whole bias.Numerator + ", " + whole bias.Denominator + ", " + slopes.ToString culture + ", "
        | Fn.SigmoidSteepness bias -> "SigmoidSteepness(" + whole bias.Numerator + ", " + whole bias.Denominator + ", "

    let private variable (id: int) = "v" + id.ToString culture

    let rec private expression (names: Names) (b: Bound) : Text =
        match b with
        | Bound.Infinity -> primary "UpperBound.Infinity"
        | Bound.Const c -> constant c
        | Bound.Measured m -> measure names m
        | Bound.Var id -> primary (variable id)
        | Bound.Add(x, y) ->
            let x, y = expression names x, expression names y
            { primary (enclosed Sum (operand y x) + " + " + enclosed Product y) with Strength = Sum }
        | Bound.Mul(x, y) ->
            let x, y = expression names x, expression names y
            { primary (enclosed Product (operand y x) + " * " + enclosed Primary y) with Strength = Product }
        | Bound.Min items -> call names "Min" items
        | Bound.Max items -> call names "Max" items
        | Bound.Power(x, n) ->
            primary ("UpperBound.Power(" + (expression names x).Code + ", " + n.ToString culture + ")")
        | Bound.Sqrt x -> call names "Sqrt" [ x ]
        | Bound.Apply(fn, x) -> primary ("UpperBound." + functionCall fn + (expression names x).Code + ")")
        | Bound.SumOver(count, x) -> heads names "SumOver" count x
        | Bound.MaxOver(count, x) -> heads names "MaxOver" count x

    and private call names name items =
        primary ("UpperBound." + name + "(" + String.Join(", ", items |> List.map (fun x -> (expression names x).Code)) + ")")

    and private heads names name count x =
        let head = if names.Depth = 0 then "head" else "head" + names.Depth.ToString culture
        let inner = { names with Head = Some head; Depth = names.Depth + 1 }

        primary ("UpperBound." + name + "(" + count.ToString culture + ", " + head + " => " + (expression inner x).Code + ")")

    /// Index names that C# would take for something else.
    let private taken =
        set
            [ "norms"; "do"; "if"; "in"; "is"; "as"; "for"; "int"; "new"; "out"; "ref"; "try"; "base"; "bool"; "byte"; "case"
              "char"; "else"; "enum"; "goto"; "lock"; "long"; "null"; "this"; "true"; "uint"; "void"; "break"; "catch"; "class"
              "const"; "event"; "false"; "fixed"; "float"; "sbyte"; "short"; "throw"; "ulong"; "using"; "while"; "checked"
              "decimal"; "default"; "double"; "extern"; "finally"; "foreach"; "object"; "params"; "public"; "return"; "sealed"
              "sizeof"; "static"; "string"; "struct"; "switch"; "typeof"; "unsafe"; "ushort"; "virtual"; "abstract"; "continue"
              "delegate"; "explicit"; "implicit"; "internal"; "operator"; "override"; "private"; "readonly"; "volatile"
              "interface"; "namespace"; "protected"; "unchecked"; "stackalloc"; "UpperBound" ]

    let private indexName (names: Names) (index: string) =
        let plain =
            String.map (fun c -> if Char.IsLetterOrDigit c || c = '_' then c else '_') index

        let clashes (name: string) =
            name = ""
            || Set.contains name taken
            || Char.IsDigit name.[0]
            || name.[0] = 'v' && name.Length > 1 && Seq.forall Char.IsDigit (name.Substring 1)
            || name.StartsWith("head", StringComparison.Ordinal)
            || List.exists (fun (_, used) -> used = name) names.Indices

        let rec free (name: string) =
            if clashes name then free ("i_" + name) else name

        free plain

    let private note (comment: string) =
        let line = comment.Replace('\r', ' ').Replace('\n', ' ').Trim()
        if line = "" then "" else "  // " + line

    let rec private statement (names: Names) (s: Statement) : string list =
        match s with
        | Let(id, b, comment) -> [ "UpperBound " + variable id + " = " + (expression names b).Code + ";" + note comment ]
        | Loop loop ->
            let index = indexName names loop.Index
            let inner = { names with Indices = names.Indices @ [ loop.Index, index ] }
            let carried = loop.Carried |> List.map (fst >> variable)

            // A value that keeps itself needs no assignment, and C# warns of one.
            let moves =
                List.zip carried loop.Next
                |> List.map (fun (c, b) -> c, (expression inner b).Code)
                |> List.filter (fun (c, code) -> c <> code)

            let advance =
                match moves with
                | [] -> []
                | [ c, n ] -> [ "    " + c + " = " + n + ";" ]
                | _ ->
                    let targets, values = List.unzip moves
                    [ "    (" + String.Join(", ", targets) + ") = (" + String.Join(", ", values) + ");" ]

            [ for id, b in loop.Carried -> "UpperBound " + variable id + " = " + (expression names b).Code + ";" ]
            @ [ "for (long " + index + " = 0; " + index + " < " + loop.Count.ToString culture + "; " + index + "++)"
                "{" ]
            @ (loop.Body |> List.collect (statement inner) |> List.map (fun line -> "    " + line))
            @ advance
            @ [ "}" ]
            @ List.map2 (fun id c -> "UpperBound " + variable id + " = " + c + ";") loop.Results carried

    let private outside = { Indices = []; Head = None; Depth = 0 }

    /// The statements, without the results.
    let statements (program: Program) : string list =
        List.collect (statement outside) program.Statements

    /// An expression after the statements of its program, as C#.
    let value (b: Bound) : string = (expression outside b).Code

    /// The body of a method that returns the result: an `UpperBound` when there is one, otherwise an array.
    let csharp (program: Program) : string list =
        let result =
            match program.Results with
            | [ _, b ] -> "return " + value b + ";"
            | many -> "return [" + String.Join(", ", many |> List.map (fun (_, b) -> value b)) + "];"

        statements program @ [ result ]
