namespace Lips.Core

open System
open System.Collections.Generic

/// Prints a resolved model as one strongly typed C# class that reads like a well-kept `model.py`.
[<RequireQualifiedAccess>]
module Emit =
    open EmitTerms

    /// What emission needs beside the model.
    type Request =
        { Namespace: string
          /// Path of the spec; the header comment shows its file name.
          SourcePath: string
          Resolved: ResolvedModel
          Derivation: Derivation
          /// Bound of each query at caps.
          AtCaps: (Query * Upper) list
          /// Domain of the statement in words, per query.
          DomainText: Query -> string
          /// Its inputs alone.
          InputText: Query -> string
          /// The ball it speaks about, where that depends on the weights, per query.
          DomainRadius: Query -> (Norm * Bound) option
          /// How far exchanging one token moves a query's input, where that is a sequence of embedding vectors.
          Substitution: Query -> Bound option
          Claims: (Query * string option) list }

    /// A nested class to be printed: a group's body under a name.
    type private Nested =
        { ClassName: string
          Body: Term
          Input: Shape
          /// Points and ties it reads from outside, as (role, path): further arguments of its forward.
          Free: (string * string) list }

    /// Why a model can have no class, if so.
    let refused (m: Model) : string option =
        if not (CSharp.namesClass m.Name) then
            Some $"'{m.Name}' means something else in C# or in the class itself; give the model another name"
        elif members m |> List.contains m.Name then
            Some "a layer or point of it has the name of the model, which C# allows no member of a class"
        else
            None

    type private Printer(request: Request, writer: CSharp.Writer) =
        let catalog = Catalog.byName
        let classes = Dictionary<string, Nested>()
        let pending = Queue<Nested>()
        let names = HashSet<string>(request.Resolved.Model.Name :: members request.Resolved.Model)

        let className (wanted: string) =
            let wanted = if CSharp.namesClass wanted then wanted else wanted + "Layer"
            let mutable n = wanted
            let mutable i = 2

            while not (names.Add n) do
                n <- wanted + string i
                i <- i + 1

            n

        /// The class of a body; equal bodies share one.
        let nested wanted input body =
            let key = Canonical.term body

            match classes.TryGetValue key with
            | true, c -> c
            | _ ->
                let c = { ClassName = className wanted; Body = body; Input = input; Free = freeOf body }
                classes[key] <- c
                pending.Enqueue c
                c

        let argument (c: Nested) = if readsRound c.Body then "round" else ""
        let created (c: Nested) = if readsRound c.Body then $"round => new {c.ClassName}(round)" else $"_ => new {c.ClassName}()"

        let moduleType (free: 'a list) =
            let tensor = "torch.Tensor"
            "torch.nn.Module<" + String.Join(", ", List.replicate (free.Length + 2) tensor) + ">"

        let emission (l: Layer) (read: string -> string) =
            catalog[l.Kind].Emit { Layer = l; Options = Options l.Options; Read = read }

        member _.Pending = pending

        /// Members of a class body: layers, groups and repeats directly in it.
        member private _.Members(input: Shape, term: Term) : (string * string * string * string) list =
            // type, checkpoint name, property, construction
            let rec visit input term =
                match term with
                | Apply l
                | Enclose(l, _) ->
                    let own =
                        [ for m in (emission l (fun _ -> "")).Members ->
                              m.Type, m.Name, CSharp.identifier m.Name, m.Construct ]

                    match term with
                    | Enclose(_, body) -> own @ visit input body
                    | _ -> own
                | Chain terms ->
                    terms |> List.mapFold (fun s t -> visit s t, outputOf s t) input |> fst |> List.concat
                | Point(_, body) -> visit input body
                | Repeat r ->
                    let c = nested (singular r.Name) input r.Body
                    let p = CSharp.identifier r.Name
                    let list = $"TorchSharp.Modules.ModuleList<{c.ClassName}>"
                    [ list, r.Name, p, $"torch.nn.ModuleList<{c.ClassName}>([.. Enumerable.Range(0, {r.Count}).Select({created c})])" ]
                | Group(name, body) ->
                    let p = CSharp.identifier name

                    match unrolled body with
                    | Some parts ->
                        let cs = parts |> List.mapFold (fun s b -> nested (singular name) s b, outputOf s b) input |> fst
                        let distinct = cs |> List.map (fun c -> c.ClassName) |> List.distinct
                        let element = (match distinct with [ one ] -> one | _ -> moduleType cs.Head.Free)
                        let items = cs |> List.map (fun c -> $"new {c.ClassName}({argument c})") |> String.concat ", "
                        [ $"TorchSharp.Modules.ModuleList<{element}>", name, p, $"torch.nn.ModuleList<{element}>([{items}])" ]
                    | None ->
                        let c = nested (CSharp.pascal name) input body
                        [ c.ClassName, name, p, $"new {c.ClassName}({argument c})" ]

            visit input term

        /// Statements that turn `h` into the term's value. `stopAt`: the point after which to stop.
        member private this.Statements(input: Shape, term: Term, read: string * string -> string) =
            let mutable skips = 0

            let rec visit input term =
                match term with
                | Chain terms -> terms |> List.fold (fun s t -> visit s t; outputOf s t) input |> ignore
                | Point(_, body) -> visit input body
                | Apply l ->
                    let e = emission l (fun role -> l.Reads |> List.find (fun (r, _) -> r = role) |> read)
                    let expression = e.Forward "h" None
                    if expression <> "h" then writer.Line($"h = {expression};".PadRight 72 + $"  // {annotate l.Output}")
                | Enclose(l, body) ->
                    skips <- skips + 1
                    let skip = if skips = 1 then "skip" else $"skip{skips}"
                    writer.Line $"var {skip} = h;"
                    visit input body
                    let e = emission l (fun role -> l.Reads |> List.find (fun (r, _) -> r = role) |> read)
                    let combined = e.Forward skip (Some "h")
                    writer.Line($"h = {combined};".PadRight 72 + $"  // {annotate l.Output}")
                | Repeat r ->
                    let c = nested (singular r.Name) input r.Body
                    let item = CSharp.identifier ((singular r.Name).Substring(0, 1).ToLowerInvariant() + (singular r.Name).Substring 1)
                    let extra = c.Free |> List.map (fun f -> ", " + read f) |> String.concat ""
                    writer.Open $"foreach (var {item} in {CSharp.identifier r.Name})"
                    writer.Line($"h = {item}.call(h{extra});".PadRight 68 + $"  // {annotate input}")
                    writer.Close()
                | Group(name, body) ->
                    let p = CSharp.identifier name
                    let after = outputOf input body

                    match unrolled body with
                    | Some parts ->
                        let free = freeOf parts.Head
                        let extra = free |> List.map (fun f -> ", " + read f) |> String.concat ""
                        writer.Open $"foreach (var item in {p})"
                        writer.Line($"h = item.call(h{extra});".PadRight 68 + $"  // {annotate after}")
                        writer.Close()
                    | None ->
                        let c = nested (CSharp.pascal name) input body
                        let extra = c.Free |> List.map (fun f -> ", " + read f) |> String.concat ""
                        writer.Line($"h = {p}.call(h{extra});".PadRight 72 + $"  // {annotate after}")

            visit input term

        member private _.Properties(members: (string * string * string * string) list) =
            for t, _, p, _ in members do
                writer.Line $"public {t} {p} {{ get; }}"

        member private _.Constructor(name: string, baseName: string, parameters: string, members: (string * string * string * string) list) =
            writer.Open $"public {name}({parameters}) : base({CSharp.text baseName})"

            for _, _, p, construct in members do
                writer.Line $"{p} = {construct};"

            for _, key, p, _ in members do
                writer.Line $"register_module({CSharp.text key}, {p});"

            writer.Close()

        /// Arguments of a nested class's forward beside `h`, by what they stand for.
        member private _.Parameters(free: (string * string) list) =
            free |> List.map (fun (role, path) -> (role, path), CSharp.identifier (path.Replace(".", "_").Replace("[", "_").Replace("]", "")))

        member this.Nested(c: Nested) =
            let members = this.Members(c.Input, c.Body)
            let arguments = this.Parameters c.Free
            let parameters = arguments |> List.map (fun (_, n) -> $", torch.Tensor {n}") |> String.concat ""
            writer.Line ""
            writer.Open $"public sealed partial class {c.ClassName} : {moduleType c.Free}"
            this.Properties members
            writer.Line ""
            this.Constructor(c.ClassName, c.ClassName, (if readsRound c.Body then "int round" else ""), members)
            writer.Line ""
            writer.Open $"public override torch.Tensor forward(torch.Tensor h{parameters})"
            let table = dict arguments
            this.Statements(c.Input, c.Body, (fun f -> table[f]))
            writer.Line "return h;"
            writer.Close()
            writer.Close()

        /// Top-level terms of a chain, and where its main source point lies.
        member private _.Split(body: Term, source: string) : Term list * Term list option =
            let terms = (match body with Chain ts -> ts | t -> [ t ])

            match terms |> List.tryFindIndex (function Point(n, _) -> n = source | _ -> false) with
            | Some i -> List.truncate (i + 1) terms, Some(List.skip (i + 1) terms)
            | None -> terms, None

        member this.Root() =
            let model = request.Resolved.Model
            let derivation = request.Derivation
            let inputShape (i: Input) = i.Shape
            let inputNames = model.Inputs |> List.map (fun i -> i.Name, CSharp.identifier i.Name) |> dict

            let enter (i: Input) =
                match i.Domain with
                | Image _ -> $"{inputNames[i.Name]}.permute(0, 2, 3, 1)"
                | _ -> inputNames[i.Name]

            let members =
                [ for c in model.Chains do
                      let input = model.Inputs |> List.find (fun i -> i.Name = c.Input)
                      yield! this.Members(inputShape input, c.Body) ]

            let source = (match derivation.Queries with q :: _ -> q.From | [] -> model.Inputs.Head.Name)
            let single = model.Chains.Length = 1
            this.Properties members
            writer.Line ""
            this.Constructor(model.Name, model.Name, "", members)
            writer.Line ""
            let parameters = model.Inputs |> List.map (fun i -> $"torch.Tensor {inputNames[i.Name]}") |> String.concat ", "
            // a chain's name is its module's; what it put out is a local
            let valueOf (chain: string) = CSharp.identifier (chain + "Value")

            let chainRead (role: string, path: string) =
                if role = "tokens" then
                    inputNames[path]
                elif role = "tie" then
                    (path.Split('.') |> Array.map CSharp.identifier |> String.concat ".") + ".weight!"
                else
                    valueOf path

            if single then
                let chain = model.Chains.Head
                let input = model.Inputs.Head
                let before, after = this.Split(chain.Body, source)

                match after with
                | Some rest ->
                    let property = CSharp.pascal source
                    let middle = outputOf (inputShape input) (Chain before)
                    writer.Line $"/// <summary>The value at '{source}', where the bound is measured from.</summary>"
                    writer.Open $"public torch.Tensor To{property}({parameters})"
                    writer.Line($"var h = {enter input};".PadRight 72 + $"  // {annotate (inputShape input)}")
                    this.Statements(inputShape input, Chain before, chainRead)
                    writer.Line "return h;"
                    writer.Close()
                    writer.Line ""
                    writer.Line $"/// <summary>The network from '{source}' on.</summary>"
                    let beside = tokensRead inputNames (Chain rest)
                    let given = beside |> List.map (fun n -> ", " + n) |> String.concat ""
                    let asked = beside |> List.map (fun n -> ", torch.Tensor " + n) |> String.concat ""
                    writer.Open $"public torch.Tensor From{property}(torch.Tensor h{asked})"
                    this.Statements(middle, Chain rest, chainRead)
                    writer.Line "return h;"
                    writer.Close()
                    writer.Line ""
                    writer.Line $"public override torch.Tensor forward({parameters}) => From{property}(To{property}({inputNames[input.Name]}){given});"
                | None ->
                    writer.Open $"public override torch.Tensor forward({parameters})"
                    writer.Line($"var h = {enter input};".PadRight 72 + $"  // {annotate (inputShape input)}")
                    this.Statements(inputShape input, chain.Body, chainRead)
                    writer.Line "return h;"
                    writer.Close()
            else
                writer.Open $"public override torch.Tensor forward({parameters})"
                writer.Line "torch.Tensor h;"

                for c in model.Chains do
                    let input = model.Inputs |> List.find (fun i -> i.Name = c.Input)
                    writer.Line($"h = {enter input};".PadRight 72 + $"  // {annotate (inputShape input)}")
                    this.Statements(inputShape input, c.Body, chainRead)
                    if not (Object.ReferenceEquals(c, List.last model.Chains)) then
                        writer.Line $"var {valueOf c.Name} = h;"

                writer.Line "return h;"
                writer.Close()

            this.Interface(source, single, inputNames)

            while pending.Count > 0 do
                this.Nested(pending.Dequeue())

        member private _.Interface(source: string, single: bool, inputNames: IDictionary<string, string>) =
            let model = request.Resolved.Model
            let arguments = model.Inputs |> List.mapi (fun i _ -> $"inputs[{i}]") |> String.concat ", "
            let hasSplit =
                single
                && (match model.Chains.Head.Body with
                    | Chain ts -> ts |> List.exists (function Point(n, _) -> n = source | _ -> false)
                    | Point(n, _) -> n = source
                    | _ -> false)
            let property = CSharp.pascal source
            writer.Line ""
            writer.Line $"string ILipsModel.Name => {CSharp.text model.Name};"
            writer.Line "string ILipsModel.Meaning => Meaning;"
            writer.Line "torch.nn.Module ILipsModel.Module => this;"
            writer.Line $"torch.Tensor ILipsModel.Forward(IReadOnlyList<torch.Tensor> inputs) => call({arguments});"
            writer.Line ""
            writer.Open "torch.Tensor ILipsModel.ValueAt(string point, IReadOnlyList<torch.Tensor> inputs) => point switch"

            for i, input in List.indexed model.Inputs do
                writer.Line $"{CSharp.text input.Name} => inputs[{i}],"

            if hasSplit then writer.Line $"{CSharp.text source} => To{property}(inputs[0]),"
            writer.Line "_ => throw new ArgumentException($\"the bound is not measured from '{point}'\", nameof(point)),"
            writer.Close ";"
            writer.Line ""
            writer.Open "torch.Tensor ILipsModel.Continue(string point, torch.Tensor value) => point switch"
            if single then writer.Line $"{CSharp.text model.Inputs.Head.Name} => forward(value),"
            // a mask of token ids needs the tokens beside the value
            let masked = hasSplit && not (tokensRead inputNames model.Chains.Head.Body).IsEmpty

            if masked then
                writer.Line $"{CSharp.text source} => throw new RunFailed(\"from '{source}' on the model reads token ids too; give them beside the value\"),"
            elif hasSplit then
                writer.Line $"{CSharp.text source} => From{property}(value),"

            writer.Line "_ => throw new ArgumentException($\"the bound is not measured from '{point}'\", nameof(point)),"
            writer.Close ";"

            if masked then
                writer.Line ""
                writer.Line "torch.Tensor ILipsModel.Continue(string point, torch.Tensor value, IReadOnlyList<torch.Tensor> inputs) =>"
                writer.Line $"    point == {CSharp.text source} ? From{property}(value, inputs[0]) : ((ILipsModel)this).Continue(point, value);"

    /// The members that describe the model: weights, inputs, claims, bounds, recipe. Printed by `EmitFacts`.
    let private header (request: Request) (w: CSharp.Writer) =
        // the file's name alone: the same model is the same text wherever the spec lies
        let file = request.SourcePath.Substring(request.SourcePath.LastIndexOfAny [| '/'; '\\' |] + 1)
        w.Line $"// <auto-generated>Generated by Lips from {CSharp.comment file}. Changes here are lost.</auto-generated>"
        w.Line "#nullable enable"
        w.Line "#pragma warning disable CS1591, CS8981 // the names are the spec's, and it documents them"
        w.Line ""

        for u in [ "System"; "System.Collections.Generic"; "System.Linq"; "Lips.Runtime"; "TorchSharp" ] do
            w.Line $"using {u};"

        w.Line ""
        w.Line $"namespace {request.Namespace};"
        w.Line ""

    /// The C# file of one model.
    let model (request: Request) : string =
        let w = CSharp.Writer()
        let m = request.Resolved.Model
        header request w
        w.Line "/// <summary>"

        for q, bound in request.AtCaps do
            w.Line $"/// {CSharp.xml (string q)} &lt;= {UpperText.toDecimal 7 bound}, {CSharp.xml (request.DomainText q)}."

        w.Line "/// </summary>"
        let arity = String.Join(", ", List.replicate (m.Inputs.Length + 1) "torch.Tensor")
        w.Open $"public sealed partial class {m.Name} : torch.nn.Module<{arity}>, ILipsModel"
        w.Line "/// <summary>SHA-256 of what the spec means; equal for specs that differ in layout only.</summary>"
        w.Line $"public const string Meaning = {CSharp.text (Canonical.meaning m)};"
        w.Line ""
        Printer(request, w).Root()
        EmitFacts.write w request.Resolved.Model request.Derivation request.AtCaps request.DomainText request.InputText request.DomainRadius request.Substitution request.Claims
        w.Close()
        w.ToString()
