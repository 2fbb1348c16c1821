namespace Lips.Core

open System
open System.Numerics
open System.Text

/// What a layer costs, once for each use with the repeats around it.
type LayerCost =
    { Path: string
      Kind: string
      Line: int
      Uses: BigInteger
      Output: Shape
      /// Of one use.
      Parameters: BigInteger
      Macs: BigInteger
      /// Bytes of the layer's output for one sample, float32: what training keeps of it.
      Activation: BigInteger }

/// `lips summary`: parameters, multiply–adds and activation memory.
[<RequireQualifiedAccess>]
module ReportSummary =

    let layers (source: SourceText) (c: CompiledModel) : LayerCost list =
        let line (l: Layer) =
            match c.Resolved.Places.TryGetValue l.Id with
            | true, place when place.File = source.Path -> place.Span.Line
            | _ -> 0

        let cost prefix (uses: BigInteger) (l: Layer) =
            let numbers = if l.Output.Vocabulary.IsSome then l.Output.Tokens else l.Output.Tokens * l.Output.Width

            { Path = prefix + (if l.Name = "" then l.Kind else l.Name)
              Kind = l.Kind
              Line = line l
              Uses = uses
              Output = l.Output
              Parameters = Pipeline.parametersOf l
              Macs = Pipeline.macsOf l
              Activation = BigInteger 4 * BigInteger numbers }

        let rec walk prefix uses term =
            match term with
            | Apply l -> [ cost prefix uses l ]
            | Enclose(l, body) -> walk prefix uses body @ [ cost prefix uses l ]
            | Chain terms -> terms |> List.collect (walk prefix uses)
            | Point(_, body) -> walk prefix uses body
            | Group(name, body) -> walk (prefix + name + ".") uses body
            | Repeat r -> walk (prefix + r.Name + ".{i}.") (uses * BigInteger r.Count) r.Body

        c.Resolved.Model.Chains |> List.collect (fun chain -> walk "" BigInteger.One chain.Body)

    let activation (costs: LayerCost list) = costs |> List.sumBy (fun c -> c.Uses * c.Activation)

    let private number (n: BigInteger) = n.ToString("#,0", Globalization.CultureInfo.InvariantCulture)

    let private bytes (n: BigInteger) =
        let scaled (unit: int64) name = (float n / float unit).ToString("F1", Globalization.CultureInfo.InvariantCulture) + " " + name

        if n < BigInteger 1024 then number n + " B"
        elif n < BigInteger(1024L * 1024L) then scaled 1024L "KiB"
        elif n < BigInteger(1024L * 1024L * 1024L) then scaled (1024L * 1024L) "MiB"
        else scaled (1024L * 1024L * 1024L) "GiB"

    let shape (s: Shape) =
        let grid = (match s.Grid with Single -> "" | Row n -> $"{n} × " | Map(h, w) -> $"{h} × {w} × ")
        if s.Vocabulary.IsSome then grid.TrimEnd(' ', '×') + " ids" else grid + string s.Width

    let text (source: SourceText) (c: CompiledModel) : string =
        let out = StringBuilder()
        let costs = layers source c

        let rows =
            [ [ "line"; "layer"; "output"; "uses"; "parameters"; "MACs"; "activation" ]
              for l in costs do
                  [ (if l.Line > 0 then string l.Line else "")
                    l.Path
                    shape l.Output
                    number l.Uses
                    number (l.Uses * l.Parameters)
                    number (l.Uses * l.Macs)
                    bytes (l.Uses * l.Activation) ] ]

        let widths = [ for i in 0..6 -> rows |> List.map (fun r -> r[i].Length) |> List.max ]
        out.Append($"{c.Resolved.Model.Name}   {number c.Parameters} parameters   {number c.Macs} MACs for one sample   {bytes (activation costs)} of activations\n\n") |> ignore

        for r in rows do
            let cells = r |> List.mapi (fun i text -> if i = 1 || i = 2 then text.PadRight widths[i] else text.PadLeft widths[i])
            out.Append(("  " + String.Join("   ", cells)).TrimEnd()).Append('\n') |> ignore

        out.ToString()

    /// Counts are JSON numbers; readers that hold numbers as doubles see them exactly up to 2^53.
    let json (source: SourceText) (c: CompiledModel) : Json =
        let costs = layers source c
        let count (n: BigInteger) = if n <= BigInteger Int64.MaxValue then JInteger(int64 n) else JText(string n)

        JObject
            [ "model", JText c.Resolved.Model.Name
              "parameters", count c.Parameters
              "macs", count c.Macs
              "activation_bytes", count (activation costs)
              "meaning", JText c.Meaning
              "layers",
              JList
                  [ for l in costs ->
                        JObject
                            [ "path", JText l.Path
                              "kind", JText l.Kind
                              "output", JText(shape l.Output)
                              "uses", count l.Uses
                              "parameters", count (l.Uses * l.Parameters)
                              "macs", count (l.Uses * l.Macs)
                              "activation_bytes", count (l.Uses * l.Activation) ] ] ]
