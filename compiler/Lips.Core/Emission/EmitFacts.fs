namespace Lips.Core

open System
open System.Collections.Generic
open System.Globalization

/// The part of a generated class that describes it: inputs, weights, claims, bounds, recipe.
[<RequireQualifiedAccess>]
module EmitFacts =

    let private integer (n: int64) = n.ToString CultureInfo.InvariantCulture
    let private list (items: string list) = "[" + String.Join(", ", items) + "]"

    let private double' (r: Rational) =
        let d = r.ToDoubleDown
        let s = d.ToString("R", CultureInfo.InvariantCulture)
        if s.Contains "." || s.Contains "E" then s else s + ".0"

    let private upper name arguments (otherwise: Rational) =
        arguments
        |> List.tryPick (fun (l, v: Value) -> if l = Some name then v.Upper else None)
        |> Option.defaultValue otherwise
        |> CSharp.number

    let private init (v: Value) =
        match v with
        | Choice("orthogonal", a) -> $"""new Init.Orthogonal({upper "gain" a Rational.One})"""
        | Choice("spectral", a) -> $"""new Init.Spectral({upper "target" a Rational.One})"""
        | Choice("xavier", a) -> $"""new Init.Xavier(Gain: {upper "gain" a Rational.One})"""
        | Choice("kaiming", _) -> "new Init.Kaiming(Gaussian: false)"
        | Choice("normal", a) -> $"""new Init.Normal({upper "std" a Rational.One})"""
        | Choice("truncated_normal", a) -> $"""new Init.TruncatedNormal({upper "std" a (Rational.OfInt 1L / Rational.OfInt 50L)})"""
        | Choice("one", _) -> "new Init.One()"
        | Choice("constant", a) -> $"""new Init.Constant({upper "value" a Rational.Zero})"""
        | _ -> "new Init.Zero()"

    let private constraintOf (c: Constraint) =
        let unit u =
            match u with
            | Spectral -> "Spectral"
            | Rms -> "Rms"
            | RowL2 -> "RowL2"
            | RowRms -> "RowRms"
            | L2 -> "L2"
            | MaxAbs -> "MaxAbs"

        match c with
        | Free -> "new Constraint.None()"
        | WeightDecay r -> $"new Constraint.WeightDecay({CSharp.number r})"
        | SpectralDecay r -> $"new Constraint.SpectralDecay({CSharp.number r})"
        | Capped cap
        | AutoCapped(cap, _) ->
            $"new Constraint.Cap({double' cap.Limit}, CapUnit.{unit cap.Unit}, CapExtent.{cap.Extent}, CapMethod.{cap.Method})"

    /// An interpolated string where the path has an index.
    let private path (p: string) =
        if p.Contains "{" then "$" + CSharp.text p else CSharp.text p

    /// Weights of one group are normalized as one matrix.
    let private reparametrization (own: string) (w: Weight) =
        let group grouping =
            let fused = w.Leaf <> w.Name && w.Leaf <> w.Name + ".weight"

            match grouping with
            | "joint" when fused -> if w.Leaf.EndsWith ".weight" then w.Leaf.Substring(0, w.Leaf.Length - 7) else w.Leaf
            | "qk_v" when fused && (w.Name = "q" || w.Name = "k") -> "qk"
            | _ -> w.Name

        match w.Reparametrization with
        | Direct -> []
        | SigmaReparam(gain, grouping) ->
            let start = (match gain with Some g -> $", Gain: {CSharp.number g}" | None -> "")
            [ $"Reparametrization: new Reparametrization.Sigma({path (own + group grouping)}{start})" ]
        | SpectralNormalization -> [ $"Reparametrization: new Reparametrization.Spectral({path (own + w.Name)})" ]
        | WeightNormalization -> [ $"Reparametrization: new Reparametrization.Rows({path (own + w.Name)})" ]

    let private weight (prefix: string) (l: Layer) (w: Weight) =
        let own = if l.Name = "" then prefix else prefix + l.Name + "."
        let axis = (match w.HeadAxis with NoHeads -> "None" | Rows -> "Rows" | Columns -> "Columns")

        let optional =
            [ if w.RowOffset <> 0L then $"RowOffset: {w.RowOffset}"
              if w.Heads <> 1L then $"Heads: {w.Heads}"
              if w.HeadAxis <> NoHeads then $"HeadAxis: HeadAxis.{axis}"
              match w.Role, w.Shape with
              | Kernel, _ :: perGroup :: _ when perGroup < l.Input.Width -> $"Groups: {l.Input.Width / perGroup}"
              | _ -> ()
              $"Init: {init w.Init}"
              $"Constraint: {constraintOf w.Constraint}"
              yield! reparametrization own w ]

        $"new Weight({path (own + w.Name)}, {path (own + w.Leaf)}, Role.{w.Role}, {list (w.Shape |> List.map integer)}, "
        + String.Join(", ", optional)
        + ")"

    let rec private weights (w: CSharp.Writer) (depth: int) prefix term =
        match term with
        | Chain terms -> terms |> List.iter (weights w depth prefix)
        | Group(name, body) -> weights w depth (prefix + name + ".") body
        | Point(_, body) -> weights w depth prefix body
        | Apply l -> own w prefix l
        | Enclose(l, body) ->
            own w prefix l
            weights w depth prefix body
        | Repeat r ->
            let index = [| "i"; "j"; "k"; "l" |][depth]
            w.Open $"for (var {index} = 0; {index} < {r.Count}; {index}++)"
            weights w (depth + 1) (prefix + r.Name + ".{" + index + "}.") r.Body
            w.Close()

    and private own w prefix l =
        for weightOf in l.Weights do
            if weightOf.Tied.IsNone then w.Line $"weights.Add({weight prefix l weightOf});"

    let private inputs (w: CSharp.Writer) (m: Model) =
        w.OpenList "public IReadOnlyList<InputInfo> Inputs { get; } ="

        for i in m.Inputs do
            let text =
                match i.Domain with
                | Tokens(v, n) -> $"\"tokens\", [{n}], Vocabulary: {v}"
                | Image(c, h, wd, None) -> $"\"image\", [{c}, {h}, {wd}]"
                | Image(c, h, wd, Some(lo, hi)) -> $"\"image\", [{c}, {h}, {wd}], RangeLow: {CSharp.number lo}, RangeHigh: {CSharp.number hi}"
                | Features(n, wd, r, lower, spread) ->
                    let dims = if n = 1L then $"[{wd}]" else $"[{n}, {wd}]"
                    $"\"features\", {dims}" + (match r with Some r -> $", Radius: {CSharp.number r}" | None -> "") + (if lower.Sign > 0 then $", LowerRadius: {CSharp.number lower}" else "") + (if spread.Sign > 0 then $", Spread: {CSharp.number spread}" else "")

            w.Line $"new InputInfo({CSharp.text i.Name}, {text}),"

        w.CloseList()

    let rec private recipeValue (v: Value) =
        match v with
        | Value.Number n -> $"new RecipeValue.Number({CSharp.number n})"
        | Value.Enclosed _ -> $"new RecipeValue.Number({CSharp.real v})"
        | Value.Text t -> $"new RecipeValue.Text({CSharp.text t})"
        | Value.Flag b -> "new RecipeValue.Flag(" + (if b then "true" else "false") + ")"
        | Value.Items items -> $"new RecipeValue.Items({list (items |> List.map recipeValue)})"
        | Value.Choice(n, a) ->
            let arguments = a |> List.map (fun (l, v) -> "(" + (match l with Some l -> CSharp.text l | None -> "null") + ", " + recipeValue v + ")")
            $"new RecipeValue.Call({CSharp.text n}, {list arguments})"

    let private kind (f: Functional) =
        match f with
        | Functional.SpectralNorm
        | Functional.HeadSpectralNorm -> "Spectral"
        | Functional.LargestRow
        | Functional.HeadLargestRow -> "LargestRow"
        | Functional.VectorNorm
        | Functional.HeadVectorNorm -> "Vector"
        | Functional.LargestEntry -> "LargestEntry"
        | Functional.OperatorNorm -> "Operator"
        | Functional.TapNorms -> "Taps"
        | Functional.LargestPairDistance -> "LargestPairDistance"
        | Functional.Product _
        | Functional.HeadProduct _ -> "Product"
        | Functional.StackedProduct _ -> "StackedProduct"
        | Functional.TransposedProduct _
        | Functional.HeadTransposedProduct _ -> "TransposedProduct"
        | Functional.StackedTransposedProduct _ -> "StackedTransposedProduct"
        | Functional.BlockGain _ -> "BlockGain"

    /// Norms that the bound reads, each with its loop around it.
    let private norms (w: CSharp.Writer) (d: Derivation) =
        let owners = Dictionary<string, Step * Weight>()

        for s in d.Steps do
            for x in s.Layer.Weights do
                let name = if s.Path = "" then x.Name else s.Path + "." + x.Name
                if not (owners.ContainsKey name) then owners[name] <- (s, x)

        w.Open "private static List<NormRequest> AllNorms()"
        w.Line "var norms = new List<NormRequest>();"

        for measure in Bound.measures d.Program do
            let owner = (match owners.TryGetValue measure.Weight with | true, found -> Some found | _ -> None)

            let loops =
                match owner with
                | Some(s, _) -> s.Loops |> List.filter (fun (i, _) -> measure.Weight.Contains("{" + i + "}"))
                | None -> []

            let numbers = (match measure.Functional.Numbers with Some numbers -> ", Numbers: " + CSharp.text numbers | None -> "")
            let second = (match measure.Functional.Right with Some right -> ", Right: " + path right | None -> "") + numbers
            for i, n in loops do w.Open $"for (var {i} = 0; {i} < {n}; {i}++)"

            if measure.Functional.IsPerHead then
                let headsOf name = (match owners.TryGetValue name with | true, (_, x) -> x.Heads | _ -> 1L)
                let h = measure.Weight :: Option.toList measure.Functional.Right |> List.map headsOf |> List.max
                w.Open $"for (var head = 0; head < {h}; head++)"
                w.Line $"norms.Add(new NormRequest(NormKind.{kind measure.Functional}, {path measure.Weight}, head{second}));"
                w.Close()
            else
                w.Line $"norms.Add(new NormRequest(NormKind.{kind measure.Functional}, {path measure.Weight}{second}));"

            for _ in loops do w.Close()

        w.Line "return norms;"
        w.Close()

    /// Prints the describing members into an open class body.
    let write (w: CSharp.Writer) (m: Model) (d: Derivation) (atCaps: (Query * Upper) list) (domain: Query -> string) (inputText: Query -> string) (radius: Query -> (Norm * Bound) option) (substitution: Query -> Bound option) (claims: (Query * string option) list) =
        w.Line ""
        w.Line "/// <summary>What goes in, with its declared domain.</summary>"
        inputs w m
        w.Line ""
        w.Line "/// <summary>Every weight by its checkpoint name, with its constraint.</summary>"
        w.Line "public IReadOnlyList<Weight> Weights { get; } = AllWeights();"
        w.Line ""
        w.Open "private static List<Weight> AllWeights()"
        w.Line "var weights = new List<Weight>();"
        for c in m.Chains do weights w 0 "" c.Body
        w.Line "return weights;"
        w.Close()
        w.Line ""
        w.Line "/// <summary>The norms that <see cref=\"LipschitzBound\"/> reads.</summary>"
        w.Line "public IReadOnlyList<NormRequest> NormsNeeded { get; } = AllNorms();"
        w.Line ""
        let program = Dataflow.prune (fun n -> d.Queries |> List.exists (fun q -> string q = n)) d.Program
        let balls = Dataflow.prune (fun _ -> true) { d.Program with Results = [ for q in d.Queries do match radius q with Some(_, b) -> string q, b | None -> () ] }
        let moves = Dataflow.prune (fun _ -> true) { d.Program with Results = [ for q in d.Queries do match substitution q with Some b -> string q, b | None -> () ] }
        norms w { d with Program = Dataflow.prune (fun _ -> true) { d.Program with Results = program.Results @ balls.Results @ moves.Results } }
        w.Line ""
        w.Line "/// <summary>What the bound says, one entry per value of <see cref=\"LipschitzBound\"/>.</summary>"
        w.OpenList "public IReadOnlyList<ClaimInfo> Claims { get; } ="

        for q in d.Queries do
            let a, b = q.Norms
            let limit = (match claims |> List.tryPick (fun (c, l) -> if c = q then l else None) with Some l -> CSharp.text l | None -> "null")
            w.Line $"new ClaimInfo({CSharp.text (string q)}, {CSharp.text q.From}, {CSharp.text q.Into}, \"{a}\", \"{b}\", {CSharp.text (domain q)}, {limit}),"

        w.CloseList()
        w.Line ""
        w.OpenList "private static readonly UpperBound[] AtCaps ="
        for q, b in atCaps do w.Line $"UpperBound.Parse({CSharp.text (b.ToString())}),   // {CSharp.comment (string q)} <= {UpperText.toDecimal 12 b}"
        w.CloseList()
        w.Line ""
        w.Line "/// <summary>The compile-time bound: valid for all weights that keep their caps.</summary>"
        w.Line "public UpperBound BoundAtCaps(int claim) => AtCaps[claim];"
        w.Line ""
        w.Line "/// <summary>The bound at the given norms, one entry per claim: the steps of the derivation in order.</summary>"
        w.Open "public static UpperBound[] LipschitzBound(Norms norms)"
        for line in BoundCSharp.statements (Sharing.share program) do w.Line line
        let results = program.Results |> List.map (snd >> BoundCSharp.value) |> String.concat ", "
        w.Line $"return [{results}];"
        w.Close()
        w.Line ""
        w.Line "UpperBound ILipsModel.Bound(int claim, Norms norms) => LipschitzBound(norms)[claim];"
        w.Line ""
        w.Line "/// <summary>The inputs that <see cref=\"LipschitzBound\"/> speaks about at the same norms, one entry per claim.</summary>"
        let ball q = if (substitution q).IsSome then "Embedded" elif m.LooksAtTokens then "Masked" else "Ball"
        w.Open "public static string[] DomainAt(Norms norms)"
        for line in BoundCSharp.statements (Sharing.share balls) do w.Line line
        w.OpenList "return"

        for q in d.Queries do
            match radius q with
            | Some(norm, b) -> w.Line $"InputDomain.{ball q}({CSharp.text q.From}, {CSharp.text (Space.lengthName norm)}, {BoundCSharp.value b}),"
            | None -> w.Line $"InputDomain.Declared({CSharp.text (inputText q)}),"

        w.CloseList()
        w.Close()
        w.Line ""
        w.Line "string ILipsModel.DomainAt(int claim, Norms norms) => DomainAt(norms)[claim];"
        w.Line ""

        if not moves.Results.IsEmpty then
            w.Line "/// <summary>How far exchanging one token moves the embedding vectors, one entry per claim, in the norm of its input.</summary>"
            w.Open "public static UpperBound?[] SubstitutionAt(Norms norms)"
            for line in BoundCSharp.statements (Sharing.share moves) do w.Line line
            w.OpenList "return"
            for q in d.Queries do w.Line((match substitution q with Some b -> BoundCSharp.value b | None -> "null") + ",")
            w.CloseList()
            w.Close()
            w.Line ""
            w.Line "UpperBound? ILipsModel.SubstitutionAt(int claim, Norms norms) => SubstitutionAt(norms)[claim];"
            w.Line ""

        w.Line "/// <summary>How the spec says to train it.</summary>"
        w.OpenList "public RecipeEntry[] Recipe { get; } ="

        for e in m.Recipe do
            let roles = e.Roles |> List.map (fun r -> CSharp.text (Vocabulary.roleName r))
            w.Line $"new RecipeEntry({CSharp.text e.Path}, {list roles}, {recipeValue e.Value}),"

        w.CloseList()
