namespace Lips.Core

open System
open System.Globalization
open System.Numerics

/// A program as the body of a C# method from `Norms norms` to `UpperBound`: one declaration per bound value with its
/// comment, one `for` per loop. It performs the operations of `Evaluate.run Evaluate.upper` in the same order.
module BoundCSharp =

    let private culture = CultureInfo.InvariantCulture

    /// Code that can be laid out on one line or on several.
    type private Layout =
        | Word of string
        /// Opening text, items, closing text: the items go on lines of their own when one line is too short.
        | Enclosing of before: string * items: Layout list * after: string
        /// Operands of one operator: each but the first goes on a line that begins with it.
        | Chained of operator: string * operands: Layout list
        /// Text in front that stays on the line where the rest begins.
        | Led of before: string * Layout

    let rec private flat layout =
        match layout with
        | Word text -> text
        | Enclosing(before, items, after) -> before + String.Join(", ", List.map flat items) + after
        | Chained(operator, operands) -> String.Join(" " + operator + " ", List.map flat operands)
        | Led(before, rest) -> before + flat rest

    /// Longest line before the layout is broken up.
    let private width = 140

    let private indent lines = List.map (fun line -> "    " + line) lines

    let private append (text: string) (lines: string list) =
        let last = List.length lines - 1
        List.mapi (fun i line -> if i = last then line + text else line) lines

    let private isCall layout =
        match layout with
        | Enclosing _ -> true
        | _ -> false

    let rec private laidOut (room: int) (layout: Layout) : string list =
        let line = flat layout

        if line.Length <= room then
            [ line ]
        else
            match layout with
            | Word text -> [ text ]
            | Led(before, rest) ->
                match laidOut room rest with
                | first :: others -> (before + first) :: others
                | [] -> [ before ]
            // One item that is itself broken up begins on the line of what encloses it: a(b(⏎.
            | Enclosing(before, [ Enclosing _ | Chained("+", _) as item ], after) when before = "(" || isCall item -> laidOut room (Led(before, item)) |> append after
            | Enclosing(before, items, after) ->
                let last = List.length items - 1

                before.TrimEnd()
                :: (items |> List.mapi (fun i item -> laidOut (room - 4) item |> append (if i = last then after else ",")) |> List.concat |> indent)
            | Chained(operator, operands) ->
                match List.splitAt (List.length operands - 1) operands with
                // Short factors stay in front of a long last one.
                | front, [ last ] when operator = "*" && isCall last && (flat (Chained(operator, front))).Length <= 60 ->
                    laidOut room (Led(flat (Chained(operator, front)) + " * ", last))
                | _ ->
                    match operands with
                    | [] -> []
                    | first :: others ->
                        laidOut room first
                        @ (others |> List.collect (fun o -> laidOut (room - 4) (Led(operator + " ", o))) |> indent)

    type private Strength =
        | Sum
        | Product
        | Primary

    /// Text, what binds it, and whether it is an integer literal, which C# would add to another by itself.
    type private Text =
        { Code: Layout
          Strength: Strength
          Literal: bool }

    type private Names =
        { /// Index names of the enclosing loops with their C# names.
          Indices: (string * string) list
          /// C# name of the innermost head index.
          Head: string option
          Depth: int }

    let private laid layout = { Code = layout; Strength = Primary; Literal = false }
    let private primary code = laid (Word code)

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
            { t with Code = Led("(UpperBound)", t.Code); Literal = false }
        else
            t

    let private enclosed weakest (t: Text) =
        let fits =
            match weakest, t.Strength with
            | Sum, _ -> true
            | Product, (Product | Primary) -> true
            | Primary, Primary -> true
            | _ -> false

        if fits then t.Code else Enclosing("(", [ t.Code ], ")")

    let private chained operator strength left right =
        let operands =
            match left with
            | Chained(same, operands) when same = operator -> operands @ [ right ]
            | _ -> [ left; right ]

        { laid (Chained(operator, operands)) with Strength = strength }

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
        | Functional.TapNorms -> call "TapNorms"
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
        | Fn.ShellGain(start, dim, eps)
        | Fn.ShellGainAdded(start, dim, eps) ->
            [ whole start.Numerator
              whole start.Denominator
              dim.ToString culture
              whole eps.Numerator
              whole eps.Denominator ]
            |> List.fold (fun text item -> text + item + ", ") (match fn with Fn.ShellGainAdded _ -> "ShellGainAdded(" | _ -> "ShellGain(")
        | Fn.LambertW n -> tokens "LambertW" n
        | Fn.SigmoidWeight(bias, slopes) -> "SigmoidWeight(" + whole bias.Numerator + ", " + whole bias.Denominator + ", " + slopes.ToString culture + ", "
        | Fn.SigmoidSteepness bias -> "SigmoidSteepness(" + whole bias.Numerator + ", " + whole bias.Denominator + ", "
        | Fn.LessOne -> "LessOne("

    let private variable (id: int) = "v" + id.ToString culture

    let rec private expression (names: Names) (b: Bound) : Text =
        match b with
        | Bound.Infinity -> primary "UpperBound.Infinity"
        | Bound.Const c -> constant c
        | Bound.Measured m -> measure names m
        | Bound.Var id -> primary (variable id)
        | Bound.Add(x, y) ->
            let x, y = expression names x, expression names y
            chained "+" Sum (enclosed Sum (operand y x)) (enclosed Product y)
        | Bound.Mul(x, y) ->
            let x, y = expression names x, expression names y
            chained "*" Product (enclosed Product (operand y x)) (enclosed Primary y)
        | Bound.Min items -> call names "Min" items
        | Bound.Max items -> call names "Max" items
        | Bound.Power(x, n) ->
            laid (Enclosing("UpperBound.Power(", [ (expression names x).Code; Word(n.ToString culture) ], ")"))
        | Bound.Sqrt x -> call names "Sqrt" [ x ]
        | Bound.Apply(fn, x) -> laid (Enclosing("UpperBound." + functionCall fn, [ (expression names x).Code ], ")"))
        | Bound.SumOver(count, x) -> heads names "SumOver" count x
        | Bound.MaxOver(count, x) -> heads names "MaxOver" count x

    and private call names name items =
        laid (Enclosing("UpperBound." + name + "(", items |> List.map (fun x -> (expression names x).Code), ")"))

    and private heads names name count x =
        let head = if names.Depth = 0 then "head" else "head" + names.Depth.ToString culture
        let inner = { names with Head = Some head; Depth = names.Depth + 1 }

        laid (Enclosing("UpperBound." + name + "(" + count.ToString culture + ", " + head + " => ", [ (expression inner x).Code ], ")"))

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
        if line = "" then "" else "// " + line

    /// A declaration, its comment behind it where it is one line and above it where it is several.
    let private declaration id (value: Layout) comment =
        let note = note comment

        match laidOut width (Led("UpperBound " + variable id + " = ", value)) |> append ";" with
        | [ line ] -> [ (if note = "" then line else line + "  " + note) ]
        | lines -> (if note = "" then lines else note :: lines)

    let rec private statement (names: Names) (s: Statement) : string list =
        match s with
        | Let(id, b, comment) -> declaration id (expression names b).Code comment
        | Loop loop ->
            let index = indexName names loop.Index
            let inner = { names with Indices = names.Indices @ [ loop.Index, index ] }
            let carried = loop.Carried |> List.map (fst >> variable)

            // A value that keeps itself needs no assignment, and C# warns of one.
            let moves =
                List.zip carried loop.Next
                |> List.map (fun (c, b) -> c, (expression inner b).Code)
                |> List.filter (fun (c, code) -> code <> Word c)

            let advance =
                match moves with
                | [] -> []
                | [ c, n ] -> laidOut width (Led(c + " = ", n)) |> append ";"
                | _ ->
                    let targets, values = List.unzip moves
                    laidOut width (Enclosing("(" + String.Join(", ", targets) + ") = (", values, ");"))

            (loop.Carried |> List.collect (fun (id, b) -> declaration id (expression names b).Code ""))
            @ [ "for (long " + index + " = 0; " + index + " < " + loop.Count.ToString culture + "; " + index + "++)"
                "{" ]
            @ indent (List.collect (statement inner) loop.Body)
            @ indent advance
            @ [ "}" ]
            @ List.map2 (fun id c -> "UpperBound " + variable id + " = " + c + ";") loop.Results carried

    let private outside = { Indices = []; Head = None; Depth = 0 }

    /// The statements, without the results.
    let statements (program: Program) : string list =
        List.collect (statement outside) program.Statements

    /// An expression after the statements of its program, as C#.
    let value (b: Bound) : string = flat (expression outside b).Code

    /// The body of a method that returns the result: an `UpperBound` when there is one, otherwise an array.
    let csharp (program: Program) : string list =
        let result =
            match program.Results with
            | [ _, b ] -> "return " + value b + ";"
            | many -> "return [" + String.Join(", ", many |> List.map (fun (_, b) -> value b)) + "];"

        statements program @ [ result ]
