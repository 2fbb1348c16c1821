namespace Lips.Core

open System
open System.Globalization
open System.Text

/// C# as text: names, numbers, indented lines.
[<RequireQualifiedAccess>]
module CSharp =

    let private keywords =
        set
            [ "abstract"; "as"; "base"; "bool"; "break"; "byte"; "case"; "catch"; "char"; "checked"; "class"; "const"
              "continue"; "decimal"; "default"; "delegate"; "do"; "double"; "else"; "enum"; "event"; "explicit"; "extern"
              "false"; "finally"; "fixed"; "float"; "for"; "foreach"; "goto"; "if"; "implicit"; "in"; "int"; "interface"
              "internal"; "is"; "lock"; "long"; "namespace"; "new"; "null"; "object"; "operator"; "out"; "override"
              "params"; "private"; "protected"; "public"; "readonly"; "ref"; "return"; "sbyte"; "sealed"; "short"
              "sizeof"; "stackalloc"; "static"; "string"; "struct"; "switch"; "this"; "throw"; "true"; "try"; "typeof"
              "uint"; "ulong"; "unchecked"; "unsafe"; "ushort"; "using"; "virtual"; "void"; "volatile"; "while" ]

    /// Words that are no keywords, yet name no class.
    let private contextual =
        set
            [ "record"; "await"; "async"; "var"; "dynamic"; "nint"; "nuint"; "scoped"; "file"; "required"; "partial"; "where"
              "yield"; "global"; "notnull"; "unmanaged"; "with"; "when"; "and"; "or"; "not"; "args"; "extension"; "allows" ]

    /// Members that a generated class inherits or declares itself, locals of its methods, and types that it mentions.
    let private taken =
        set
            [ "forward"; "call"; "train"; "eval"; "training"; "apply"; "to"; "cpu"; "cuda"; "name"; "save"; "load"; "parameters"
              "buffers"; "children"; "modules"; "h"; "torch"; "Name"; "Meaning"; "Module"; "Inputs"; "Weights"; "Forward"
              "ValueAt"; "Continue"; "Claims"; "Bound"; "BoundAtCaps"; "Recipe"; "NormsNeeded"; "LipschitzBound"; "DomainAt"; "Dispose"
              "state_dict"; "load_state_dict"; "zero_grad"; "half"; "Equals"; "GetHashCode"; "GetType"; "ToString"; "_to"
              "register_module"; "register_buffer"; "register_parameter"; "add_module"; "has_buffer"; "has_parameter"
              "AtCaps"; "AllWeights"; "AllNorms"; "UpperBound"; "Role"; "Enumerable"; "Weight"; "Norms"; "Init"; "Constraint"
              "CapUnit"; "CapExtent"; "CapMethod"; "HeadAxis"; "NormRequest"; "NormKind"; "ClaimInfo"; "InputDomain"; "InputInfo"; "RecipeEntry"
              "RecipeValue"; "ILipsModel"; "IReadOnlyList"; "List"; "ArgumentException"; "TorchSharp"; "System"; "Lips" ]

    /// May a generated class have this name?
    let namesClass (name: string) =
        not (taken.Contains name || keywords.Contains name || contextual.Contains name || Seq.forall ((=) '_') name)


    /// A property or local for a name of the spec. The checkpoint keeps the name as written.
    let identifier (name: string) =
        let n = if taken.Contains name then name + "_" else name
        if keywords.Contains n then "@" + n else n

    /// `swin_block` → `SwinBlock`
    let pascal (name: string) =
        name.Split('_')
        |> Array.filter (fun p -> p <> "")
        |> Array.map (fun p -> p.Substring(0, 1).ToUpperInvariant() + p.Substring 1)
        |> String.concat ""
        |> fun n -> if n = "" || Char.IsDigit n[0] then "Part" + n else n

    let text (s: string) =
        let out = StringBuilder("\"")

        for c in s do
            match c with
            | '"' -> out.Append "\\\""
            | '\\' -> out.Append "\\\\"
            | c when Char.IsControl c || c > '~' -> out.Append("\\u").Append((int c).ToString("x4", CultureInfo.InvariantCulture))
            | c -> out.Append c
            |> ignore

        out.Append('"').ToString()

    /// A comment line may hold any text but a line break.
    let comment (s: string) = s.Replace("\r", " ").Replace("\n", " ")

    /// Text inside an XML documentation comment.
    let xml (s: string) = (comment s).Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;")

    let private whole (n: Numerics.BigInteger) = n.ToString(CultureInfo.InvariantCulture)

    /// The least number of decimals that write 1/n exactly, up to 17.
    let private decimalsOf (n: Numerics.BigInteger) =
        seq { 0..17 }
        |> Seq.tryFind (fun places -> (Numerics.BigInteger.Pow(Numerics.BigInteger 10, places) % n).IsZero)

    /// A double constant that is the nearest to a rational number, as a person would write it: `0.5`, `1e-5`,
    /// `(5.0 / 6.0)` where both parts are small.
    let number (r: Rational) =
        let limit = Numerics.BigInteger 1000000L
        let short (n: Numerics.BigInteger) = Numerics.BigInteger.Abs n <= limit

        match decimalsOf r.Denominator with
        | Some 0 when short r.Numerator -> whole r.Numerator + ".0"
        | Some places when short r.Numerator && places > 0 ->
            let digits = whole (r.Abs.Numerator * Numerics.BigInteger.Pow(Numerics.BigInteger 10, places) / r.Denominator)
            let sign = if r.Sign < 0 then "-" else ""

            if places - digits.Length >= 3 then
                let fraction = digits.Substring 1
                let mantissa = if fraction = "" then digits else digits.Substring(0, 1) + "." + fraction
                sign + mantissa + "e-" + string (places - digits.Length + 1)
            else
                let padded = digits.PadLeft(places + 1, '0')
                sign + padded.Substring(0, padded.Length - places) + "." + padded.Substring(padded.Length - places)
        | _ when short r.Numerator && r.Denominator <= limit -> $"({whole r.Numerator}.0 / {whole r.Denominator}.0)"
        | _ ->
            let d = r.ToDoubleNearest
            let s = d.ToString("R", CultureInfo.InvariantCulture)
            if s.Contains "." || s.Contains "E" then s else s + ".0"

    let flag value = if value then "true" else "false"
    let private list (items: string list) = "[" + String.concat ", " items + "]"
    let integers (ns: int64 list) = ns |> List.map (fun n -> n.ToString CultureInfo.InvariantCulture) |> list
    let numbers (rs: Rational list) = rs |> List.map number |> list

    /// A value of a hyperparameter as a double: the number, or the middle of its enclosure.
    let real (v: Value) =
        match v with
        | Value.Number n -> number n
        | Value.Enclosed(lo, hi) -> number ((lo + hi) / Rational.OfInt 2L)
        | other -> invalidOp $"not a number: {other}"

    /// Lines with indentation.
    type Writer() =
        let out = StringBuilder()
        let mutable depth = 0

        member _.Line(s: string) =
            if s <> "" then out.Append(' ', 4 * depth).Append(s) |> ignore
            out.Append('\n') |> ignore

        member this.Open(s: string) =
            this.Line s
            this.Line "{"
            depth <- depth + 1

        /// A collection expression over several lines, closed by `CloseList`.
        member this.OpenList(s: string) =
            this.Line s
            this.Line "["
            depth <- depth + 1

        member this.CloseList() =
            depth <- depth - 1
            this.Line "];"

        member this.Close(?after: string) =
            depth <- depth - 1
            this.Line("}" + defaultArg after "")

        override _.ToString() = out.ToString()
