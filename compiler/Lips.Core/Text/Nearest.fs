namespace Lips.Core

open System

/// The known names that a mistyped one may have meant.
module Nearest =

    /// Names longer than this are not compared: no hint is worth the time a hostile file could ask for.
    let private longest = 64

    /// Edits (insert, delete, replace, swap two neighbours) between two names, optimal string alignment.
    let distance (a: string) (b: string) =
        let rows = Array2D.zeroCreate (a.Length + 1) (b.Length + 1)

        for i in 0 .. a.Length do
            rows.[i, 0] <- i

        for j in 0 .. b.Length do
            rows.[0, j] <- j

        for i in 1 .. a.Length do
            for j in 1 .. b.Length do
                let replace = rows.[i - 1, j - 1] + (if a.[i - 1] = b.[j - 1] then 0 else 1)
                let best = min replace (1 + min rows.[i - 1, j] rows.[i, j - 1])

                rows.[i, j] <-
                    if i > 1 && j > 1 && a.[i - 1] = b.[j - 2] && a.[i - 2] = b.[j - 1] then
                        min best (rows.[i - 2, j - 2] + 1)
                    else
                        best

        rows.[a.Length, b.Length]

    /// At most three of the known names, nearest first; none where all are further than a typing error.
    let names (known: string seq) (written: string) : string list =
        if written.Length = 0 || written.Length > longest then
            []
        else
            let allowed = max 1 (written.Length / 3)
            let lower = written.ToLowerInvariant()

            known
            |> Seq.distinct
            |> Seq.filter (fun name -> name.Length <= longest && abs (name.Length - written.Length) <= allowed)
            |> Seq.map (fun name -> distance lower (name.ToLowerInvariant()), name)
            |> Seq.filter (fun (edits, _) -> edits <= allowed)
            |> Seq.sortWith (fun (a, x) (b, y) -> if a <> b then compare a b else String.CompareOrdinal(x, y))
            |> Seq.truncate 3
            |> Seq.map snd
            |> List.ofSeq
