namespace Lips.Core

open System.Numerics
open Lips.Core.Syntax

/// One problem at one place; thrown inside the resolver only, caught at the statement it belongs to,
/// so that every statement of a spec reports its own.
exception internal Fault of Problem * Span

/// What a name stands for while a spec is expanded.
type internal Binding =
    | Known of Value
    /// An argument of a parameter marked `layer`: the call as written, and the scope it was written in.
    | LayerArgument of Name * Argument list * Environment

and internal Environment = Map<string, Binding>

/// Exact evaluation of expressions. Numbers stay rational; square roots and fractional powers become enclosures.
module internal Expressions =

    let fault span problem = raise (Fault(problem, span))

    /// Largest exponent and size of a number; beyond them a spec is refused rather than left to fill memory.
    let exponentLimit = 4096
    let bitLimit = 65536

    let private bits (n: BigInteger) = n.ToByteArray().LongLength * 8L

    let private checkedSize span (n: Rational) =
        if bits n.Numerator > int64 bitLimit || bits n.Denominator > int64 bitLimit then
            fault span (Problem.NumberTooLarge("this number", $"{bitLimit} bits"))

        n

    /// ⌊n^(1/k)⌋ by Newton's method on integers.
    let private integerRoot (k: int) (n: BigInteger) =
        if n.IsZero then
            BigInteger.Zero
        else
            let mutable x = BigInteger.One <<< int ((bits n) / int64 k + 1L)
            let mutable go = true

            while go do
                let y = ((x * BigInteger(k - 1)) + n / BigInteger.Pow(x, k - 1)) / BigInteger k
                if y < x then x <- y else go <- false

            x

    /// Encloses n^(1/k): exact if it is rational, else to 128 bits below the unit of its size.
    let private rootOf (k: int) (n: Rational) =
        let scale (m: BigInteger) = BigInteger.Pow(m, k)
        let top, bottom = integerRoot k n.Numerator, integerRoot k n.Denominator

        if scale top = n.Numerator && scale bottom = n.Denominator then
            let exact = Rational.Create(top, bottom)
            exact, exact
        else
            let shift = 160
            let widened = (n.Numerator <<< (shift * k)) / n.Denominator
            let floor = integerRoot k widened
            let unit = BigInteger.One <<< shift
            Rational.Create(floor, unit), Rational.Create(floor + BigInteger.One, unit)

    let private powInt span (b: Rational) (e: int) =
        let size = bits (BigInteger.Max(BigInteger.Abs b.Numerator, b.Denominator))

        if size * int64 (abs e) > int64 bitLimit * 2L then
            fault span (Problem.NumberTooLarge("this power", $"{bitLimit} bits"))

        if e >= 0 then
            Rational.Create(BigInteger.Pow(b.Numerator, e), BigInteger.Pow(b.Denominator, e))
        elif b.Sign = 0 then
            fault span Problem.DivisionByZero
        else
            Rational.Create(BigInteger.Pow(b.Denominator, -e), BigInteger.Pow(b.Numerator, -e))

    let enclosure lo hi = if lo = hi then Value.Number lo else Enclosed(lo, hi)

    let private power span (b: Rational) (e: Rational) =
        if e.Numerator |> BigInteger.Abs > BigInteger exponentLimit || e.Denominator > BigInteger exponentLimit then
            fault span (Problem.NumberTooLarge("this exponent", string exponentLimit))

        if e.IsInteger then
            Value.Number(powInt span b (int e.Numerator))
        elif b.Sign < 0 then
            fault span (Problem.WrongValue("a base with a fractional exponent", "at least 0", b.ToString()))
        elif b.Sign = 0 && e.Sign < 0 then
            fault span Problem.DivisionByZero
        elif b.Sign = 0 then
            Value.Number Rational.Zero
        else
            let lo, hi = rootOf (int e.Denominator) (powInt span b (int e.Numerator))
            enclosure lo hi

    let rec describe value =
        match value with
        | Value.Number n -> n.ToString()
        | Enclosed(lo, _) -> "about " + (float lo.Numerator / float lo.Denominator).ToString("G6", System.Globalization.CultureInfo.InvariantCulture)
        | Value.Text t -> "the text \"" + t + "\""
        | Flag b -> if b then "true" else "false"
        | Items items -> "a list of " + string items.Length
        | Choice(name, []) -> name
        | Choice(name, _) -> name + "(...)"

    let private number span (value: Value) =
        match value with
        | Value.Number n -> n, n
        | Enclosed(lo, hi) -> lo, hi
        | Choice(name, []) -> fault span (Problem.UnknownName(name, []))
        | other -> fault span (Problem.WrongValue("this operand", "a number", describe other))

    let private flag span value =
        match value with
        | Flag b -> b
        | other -> fault span (Problem.WrongValue("this condition", "true or false", describe other))

    let private arithmetic span op (a: Value) (b: Value) =
        let (al, ah), (bl, bh) = number span a, number span b
        let exact = al = ah && bl = bh

        match op with
        | Binary.Add -> enclosure (al + bl) (ah + bh)
        | Binary.Subtract -> enclosure (al - bh) (ah - bl)
        | Binary.Multiply ->
            let products = [ al * bl; al * bh; ah * bl; ah * bh ]
            enclosure (List.min products) (List.max products)
        | Binary.Divide ->
            if bl.Sign = 0 && bh.Sign = 0 || bl.Sign <= 0 && bh.Sign >= 0 then
                fault span Problem.DivisionByZero

            let quotients = [ al / bl; al / bh; ah / bl; ah / bh ]
            enclosure (List.min quotients) (List.max quotients)
        | Binary.Modulo ->
            if not exact then fault span (Problem.NotAnInteger("an operand of %", describe a))
            if bl.Sign = 0 then fault span Problem.DivisionByZero
            Value.Number(al - bl * Rational.OfBig((al / bl).Floor))
        | Binary.Power ->
            if not exact then
                match b with
                | Value.Number e when e.IsInteger && al.Sign >= 0 && e.Sign >= 0 && e.Numerator <= BigInteger exponentLimit ->
                    enclosure (powInt span al (int e.Numerator)) (powInt span ah (int e.Numerator))
                | _ -> fault span (Problem.WrongValue("a power", "of exact numbers", describe a))
            else
                power span al bl
        | _ -> invalidOp "not an arithmetic operator"

    let private comparison span op a b =
        let decided (verdict: bool option) =
            match verdict with
            | Some v -> Flag v
            | None -> fault span (Problem.WrongValue("this comparison", "decidable from the enclosures of both sides", describe a))

        match op, a, b with
        | (Equal | NotEqual), (Value.Text _ | Flag _ | Choice _ | Items _), _
        | (Equal | NotEqual), _, (Value.Text _ | Flag _ | Choice _ | Items _) -> Flag((a = b) = (op = Equal))
        | _ ->
            let (al, ah), (bl, bh) = number span a, number span b
            let exact = al = ah && bl = bh

            match op with
            | Less -> decided (if ah < bl then Some true elif al >= bh then Some false else None)
            | LessOrEqual -> decided (if ah <= bl then Some true elif al > bh then Some false else None)
            | Greater -> decided (if al > bh then Some true elif ah <= bl then Some false else None)
            | GreaterOrEqual -> decided (if al >= bh then Some true elif ah < bl then Some false else None)
            | Equal -> decided (if exact then Some(al = bl) elif ah < bl || bh < al then Some false else None)
            | NotEqual -> decided (if exact then Some(al <> bl) elif ah < bl || bh < al then Some true else None)
            | _ -> invalidOp "not a comparison"

    let asInteger span what value =
        match value with
        | Value.Number n when n.IsInteger && abs n.Numerator <= BigInteger System.Int64.MaxValue -> int64 n.Numerator
        | Value.Number n when n.IsInteger -> fault span (Problem.NumberTooLarge(what, "64 bits"))
        | other -> fault span (Problem.NotAnInteger(what, describe other))

    let private builtIns = [ "min"; "max"; "sqrt"; "floor"; "ceil"; "len"; "sum" ]

    let private builtIn span name (arguments: Value list) =
        let one () =
            match arguments with
            | [ a ] -> a
            | _ -> fault span (Problem.WrongValue(name + "(...)", "given one argument", string arguments.Length))

        let spread () =
            match arguments with
            | [ Items items ] -> items
            | items -> items

        let fold pick =
            match spread () |> List.map (number span) with
            | [] -> fault span (Problem.WrongValue(name + "(...)", "given at least one number", "none"))
            | bounds -> bounds |> List.reduce (fun (al, ah) (bl, bh) -> pick al bl, pick ah bh) |> (fun (l, h) -> enclosure l h)

        let rounded (f: Rational -> BigInteger) =
            let lo, hi = number span (one ())
            if (f lo).Equals(f hi) then Value.Number(Rational.OfBig(f lo))
            else fault span (Problem.NotAnInteger(name + "(...)", describe (one ())))

        match name with
        | "min" -> fold min
        | "max" -> fold max
        | "sqrt" ->
            let lo, hi = number span (one ())
            if lo.Sign < 0 then fault span (Problem.WrongValue("sqrt(...)", "given a number of at least 0", describe (one ())))
            enclosure (fst (rootOf 2 lo)) (snd (rootOf 2 hi))
        | "floor" -> rounded (fun r -> r.Floor)
        | "ceil" -> rounded (fun r -> r.Ceiling)
        | "len" ->
            match one () with
            | Items items -> Value.Number(Rational.OfInt(int64 items.Length))
            | other -> fault span (Problem.WrongValue("len(...)", "given a list", describe other))
        | "sum" ->
            match one () with
            | Items items -> items |> List.fold (fun s v -> arithmetic span Add s v) (Value.Number Rational.Zero)
            | other -> fault span (Problem.WrongValue("sum(...)", "given a list", describe other))
        | _ -> invalidOp "not a built-in function"

    let private guard span value =
        match value with
        | Value.Number n -> Value.Number(checkedSize span n)
        | Enclosed(lo, hi) -> Enclosed(checkedSize span lo, checkedSize span hi)
        | other -> other

    /// The dotted path an expression spells: `memory.words`, `blocks[2]`.
    let rec pathText (e: Expr) =
        match e.Node with
        | Named(n, None) -> Some n.Text
        | Member(inner, n) -> pathText inner |> Option.map (fun p -> p + "." + n.Text)
        | ExprNode.Index(inner, { Node = ExprNode.Number(v, _) }) -> pathText inner |> Option.map (fun p -> p + "[" + v.ToString() + "]")
        | Group inner -> pathText inner
        | _ -> None

    /// The value of an expression. A bare name that nothing declares is a choice (`causal`), to be checked by what it is given to.
    let rec evaluate (names: Environment) (e: Expr) : Value =
        match e.Node with
        | ExprNode.Number(n, _) -> Value.Number n
        | ExprNode.Text t -> Value.Text t
        | Boolean b -> Flag b
        | List items -> Items(items |> List.map (evaluate names))
        | Group inner -> evaluate names inner
        | Named(name, None) ->
            match Map.tryFind name.Text names with
            | Some(Known v) -> v
            | Some(LayerArgument _) -> fault e.Span (Problem.WrongValue(name.Text, "a number, list or choice here", "a layer"))
            | None -> Choice(name.Text, [])
        | Named(name, Some arguments) when List.contains name.Text builtIns && not (Map.containsKey name.Text names) ->
            builtIn e.Span name.Text (arguments |> List.map (fun a -> evaluate names a.Value)) |> guard e.Span
        | Named(name, Some arguments) ->
            Choice(
                name.Text,
                [ for a in arguments ->
                      (a.Label
                       |> Option.map (fun p ->
                           match p.Parts with
                           | [ Field n ] -> n.Text
                           | _ -> fault p.Span (Problem.UnknownHyperparameter(name.Text, "this path", [])))),
                      evaluate names a.Value ]
            )
        | ExprNode.Index(list, index) ->
            let items = asList names list
            let i = asInteger index.Span "an index" (evaluate names index)
            if i < 0L || i >= int64 items.Length then
                fault index.Span (Problem.IndexOutOfRange(string i, items.Length))
            items[int i]
        | Slice(list, first, last) ->
            let items = asList names list
            let i = asInteger first.Span "an index" (evaluate names first)
            let j = asInteger last.Span "an index" (evaluate names last)
            if i < 0L || i > int64 items.Length then fault first.Span (Problem.IndexOutOfRange(string i, items.Length))
            if j < i || j > int64 items.Length then fault last.Span (Problem.IndexOutOfRange(string j, items.Length))
            Items(items |> List.skip (int i) |> List.take (int (j - i)))
        | Member _ ->
            match pathText e with
            | Some p -> Choice(p, [])
            | None -> fault e.Span (Problem.UnknownName("this path", []))
        | Unary(Negate, inner) ->
            let lo, hi = number inner.Span (evaluate names inner)
            enclosure (-hi) (-lo)
        | Unary(Not, inner) -> Flag(not (flag inner.Span (evaluate names inner)))
        | Binary(And, a, b) -> Flag(flag a.Span (evaluate names a) && flag b.Span (evaluate names b))
        | Binary(Or, a, b) -> Flag(flag a.Span (evaluate names a) || flag b.Span (evaluate names b))
        | Binary((Add | Subtract | Multiply | Divide | Modulo | Power) as op, a, b) ->
            arithmetic e.Span op (evaluate names a) (evaluate names b) |> guard e.Span
        | Binary(op, a, b) -> comparison e.Span op (evaluate names a) (evaluate names b)
        | Conditional(test, whenTrue, whenFalse) ->
            evaluate names (if flag test.Span (evaluate names test) then whenTrue else whenFalse)

    and private asList (names: Environment) (e: Expr) : Value list =
        match evaluate names e with
        | Items items -> items
        | Choice(name, []) -> fault e.Span (Problem.UnknownName(name, Nearest.names (Map.keys names) name))
        | other -> fault e.Span (Problem.WrongValue("what is indexed", "a list", describe other))

    /// Whether an expression mentions a name; a repeat whose body never mentions its index stays folded.
    let rec mentions (name: string) (e: Expr) =
        let any = List.exists (mentions name)
        let inArguments = List.exists (fun (a: Argument) -> mentions name a.Value || (a.Label |> Option.exists (inPath name)))

        match e.Node with
        | ExprNode.Number _ | ExprNode.Text _ | Boolean _ -> false
        | List items -> any items
        | Named(n, arguments) -> n.Text = name || (arguments |> Option.exists inArguments)
        | ExprNode.Index(a, b) -> any [ a; b ]
        | Slice(a, b, c) | Conditional(a, b, c) -> any [ a; b; c ]
        | Member(a, _) | Unary(_, a) | Group a -> mentions name a
        | Binary(_, a, b) -> any [ a; b ]

    and private inPath name (p: Path) =
        p.Parts |> List.exists (function Field _ -> false | Item e -> mentions name e)

    let argumentsMention name (arguments: Argument list) =
        arguments |> List.exists (fun a -> mentions name a.Value || (a.Label |> Option.exists (inPath name)))

    let rec bodyMentions name (body: Body) = body.Statements |> List.exists (fun s -> statementMentions name s.Node)

    and private statementMentions name node =
        let ofCall (c: Call) = c.Kind.Text = name || (c.Arguments |> Option.exists (argumentsMention name))

        match node with
        | Input(_, c) -> ofCall c
        | Weights(_, arguments) -> argumentsMention name arguments
        | Let(_, e) -> mentions name e
        | StatementNode.Claim _ | Recipe _ -> false
        | For(_, a, b, body) -> mentions name a || mentions name b || bodyMentions name body
        | If(t, a, b) -> mentions name t || bodyMentions name a || (b |> Option.exists (bodyMentions name))
        | Step(_, Node.Repeat(count, _, body)) -> mentions name count || bodyMentions name body
        | Step(_, Node.From(p, body)) -> inPath name p || bodyMentions name body
        | Step(_, Node.Layer(c, body)) -> ofCall c || (body |> Option.exists (bodyMentions name))
