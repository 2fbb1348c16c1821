/// Hand values of attention at drawn norms: short to write.
module Lips.Core.Tests.DrawnCase

open Lips.Core
open Lips.Core.Tests.HandCase

let head weight norm = Functional.HeadSpectralNorm, weight, norm
let headVector weight norm = Functional.HeadVectorNorm, weight, norm
let product (functional: Functional) (weight: string) (norm: string) = functional, weight, norm
let chosen name arguments = Choice(name, [ for n, v in arguments -> Some n, v ])

/// Tokens of width 8 on `grid`, (R, r), (LF, LM, LI) of what came before, and tokens, R and r of the memory.
let case kind rules options grid (radius, spread) from memory norms expected : HandCase =
    { at kind "" options expected with
        Rules = rules
        Shape = Shape.Of(grid, 8L)
        R = radius
        Spread = spread
        From = from
        Memory = memory
        Norms = norms }
