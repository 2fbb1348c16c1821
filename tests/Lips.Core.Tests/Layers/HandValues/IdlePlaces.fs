/// Places of rules that no input makes count, with the reason.
module Lips.Core.Tests.IdlePlaces

/// Kind and place; `…` stands for any text.
let private listed =
    [ // r ≤ R, so r ≤ (r + R + |p|)/2
      "class_token", "max(VectorNorm x.r, *(1/2, +(+(VectorNorm x.r, VectorNorm x.R), VectorNorm token))) at 0"
      // of two bounds of every reading the lesser is taken: √N times the token's constant of one is not below that of both
      "residual", "√(#) at 0"
      "residual", "*(√(#), …) at 0"
      "residual", "*(√(#), …) at 1"
      // p + q is not less than √(p² + q²)
      "residual", "+(VectorNorm x.R, *(VectorNorm body.R, VectorNorm x.R)) at 0"
      "residual", "+(VectorNorm x.R, *(VectorNorm body.R, VectorNorm x.R)) at 1"
      // a row of a causal mask may put all its weight on one key
      "attention", "min(√(1/2), 1) at 1"
      // of one head all is common: the first form of R', |O||V|R, is the least
      "attention", "*(‹1 − lambda›, SpectralNorm v) at 1"
      "attention", "*(‹1 − lambda›, SpectralNorm v) at 0"
      "attention", "*(*(‹1 − lambda›, SpectralNorm v), VectorNorm x.r) at 0"
      "attention", "*(*(‹1 − lambda›, SpectralNorm v), VectorNorm x.r) at 1"
      "attention", "+(*(SpectralNorm v, VectorNorm x.R), *(*(‹1 − lambda›, SpectralNorm v), VectorNorm x.r)) at 1"
      "attention", "+(*(SpectralNorm v, VectorNorm x.R), *(*(‹1 − lambda›, SpectralNorm v), VectorNorm x.r)) at 0"
      "attention", "*(SpectralNorm out, +(*(SpectralNorm v, VectorNorm x.R), *(*(‹1 − lambda›, SpectralNorm v), VectorNorm x.r))) at 0"
      "attention", "*(SpectralNorm out, +(*(SpectralNorm v, VectorNorm x.R), *(*(‹1 − lambda›, SpectralNorm v), VectorNorm x.r))) at 1"
      "attention", "min(*(*(SpectralNorm out, ‹value path›), VectorNorm x.R), *(SpectralNorm out, +(*(SpectralNorm v, VectorNorm x… at 1"
      // √G(s) ≤ 1 + s/√2
      "attention", "*(SpectralNorm out, +(SpectralNorm v, *(*(SpectralNorm v, ‹s1, key path›), min(√(1/2), 1)))) at 0"
      "attention", "*(SpectralNorm out, +(SpectralNorm v, *(*(SpectralNorm v, ‹s1, key path›), min(√(1/2), 1)))) at 1"
      // where a token is one of its own keys, both paths at once are less than √(N·G) and the query path
      "attention", "min(*(√(#), √(SaturationG(‹s1, key path›))), *(√(‹largest column sum›), √(+(1, ^2(‹s1, key path›)))), +(‹norm … at 0"
      // LM ≤ LF: apart, the two paths are no more than F → token times LF
      "attention", "min(*(‹token to token›, #), ‹whole to token›, +(‹keys and values, whole to token›, *(‹query path, all readings›, #))) at 1"
      "attention", "min(*(‹per head, token to token›, #), ‹whole to token›, +(‹keys and values, whole to token›, *(‹query path, all readings›, #))) at 1"
      // measured from the input itself, F → token is no more than token-max → token-max
      "attention", "min(+(‹keys and values, token to token›, ‹query path, all readings›), *(SpectralNorm out, √(Σ(^2(*(HeadSpectra… at 2"
      "attention", "min(+(‹keys and values, token to token›, ‹query path, all readings›), *(SpectralNorm out, √(Σ(^2(*(HeadSpectra… at 1"
      "attention", "min(+(‹keys and values, token to token›, ‹query path, all readings›), *(SpectralNorm out, √(Σ(^2(*(HeadSpectra… at 0"
      // of one head all is common: the first form of R', |O||V|R, is the least
      "cross_attention", "*(‹1 − lambda›, SpectralNorm v) at 1"
      "cross_attention", "*(‹1 − lambda›, SpectralNorm v) at 0"
      "cross_attention", "*(*(‹1 − lambda›, SpectralNorm v), VectorNorm m.r) at 0"
      "cross_attention", "*(*(‹1 − lambda›, SpectralNorm v), VectorNorm m.r) at 1"
      "cross_attention", "+(*(SpectralNorm v, VectorNorm m.R), *(*(‹1 − lambda›, SpectralNorm v), VectorNorm m.r)) at 1"
      // measured from the memory itself, √N_k times F → token is less than the rules that split or stack heads token by token
      "cross_attention", "*(‹1 − lambda›, #) at 1"
      "cross_attention", "*(‹1 − lambda›, #) at 0"
      "cross_attention", "+(1, *(‹1 − lambda›, #)) at 1"
      "cross_attention", "*(√(#), ‹keys and values, token to token›) at 1"
      "cross_attention", "*(√(#), ‹keys and values, token to token›) at 0"
      "cross_attention", "+(‹value path›, *(‹largest head of v›, ‹s1, key path›)) at 0"
      "cross_attention", "+(‹value path›, *(‹largest head of v›, ‹s1, key path›)) at 1"
      "cross_attention", "*(SpectralNorm out, +(‹value path›, *(‹largest head of v›, ‹s1, key path›))) at 0"
      "cross_attention", "*(SpectralNorm out, +(‹value path›, *(‹largest head of v›, ‹s1, key path›))) at 1"
      "cross_attention", "min(*(*(SpectralNorm out, ‹largest head of v›), √(+(#, ^2(‹s1, key path›)))), *(SpectralNorm out, +(‹value pat… at 1"
      "cross_attention", "min(*(*(SpectralNorm out, ‹largest head of v›), √(+(#, ^2(‹s1, key path›)))), *(SpectralNorm out, +(‹value pat… at 2"
      "cross_attention", "min(*(*(SpectralNorm out, ‹largest head of v›), √(+(#, ^2(‹s1, key path›)))), *(SpectralNorm out, +(‹value pat… at 0"
      "cross_attention", "min(‹keys and values, whole to whole›, *(√(#), ‹keys and values, whole to token›), *(√(#), ‹keys and values, token to token›)) at 2"
      // of one head, √C·√(1 + s1²) or √(N·G) is less than the two paths added
      "cross_attention", "‹norm of the weights› at 0"
      "cross_attention", "‹norm of the weights› at 1"
      "cross_attention", "‹key path, whole to whole› at 1"
      "cross_attention", "*(‹key path, whole to whole›, ‹s1, key path›) at 1"
      "cross_attention", "*(‹key path, whole to whole›, ‹s1, key path›) at 0"
      "cross_attention", "+(‹norm of the weights›, *(‹key path, whole to whole›, ‹s1, key path›)) at 1"
      "cross_attention", "min(*(SpectralNorm out, +(*(SpectralNorm v, ‹norm of the weights›), *(*(‹largest head of v›, ‹key path, whole … at 4"
      "cross_attention", "+(‹norm of the weights›, *(‹key path, whole to whole›, *(*(*(#, HeadSpectralNorm k), +(*(HeadSpectralNorm q, V… at 1"
      "cross_attention", "*(‹key path, whole to whole›, *(*(*(#, HeadSpectralNorm k), +(*(HeadSpectralNorm q, VectorNorm x.R), HeadVectorNorm q_bias)), VectorNorm m.r)) at 0"
      "cross_attention", "*(‹key path, whole to whole›, *(*(*(#, HeadSpectralNorm k), +(*(HeadSpectralNorm q, VectorNorm x.R), HeadVectorNorm q_bias)), VectorNorm m.r)) at 1"
      // of one head, √G(s) is less than the paths added, except where many keys have even weights; a single key has weight 1
      "cross_attention", "√(1/2) at 0"
      "cross_attention", "min(‹cosh of half the range›, 1) at 0"
      "cross_attention", "min(‹cosh of half the range›, 1) at 1"
      "cross_attention", "min(*(√(#), ‹cosh of half the range›), 1) at 1"
      "cross_attention", "*(SpectralNorm v, min(‹cosh of half the range›, 1)) at 0"
      "cross_attention", "*(SpectralNorm v, min(‹cosh of half the range›, 1)) at 1"
      "cross_attention", "min(√(1/2), √(LargestSoftmaxWeight(‹range of the logits›))) at 0"
      "cross_attention", "+(*(SpectralNorm v, min(‹cosh of half the range›, 1)), *(*(SpectralNorm v, ‹s1, key path›), min(√(1/2), √(Larg… at 0"
      "cross_attention", "*(SpectralNorm out, +(*(SpectralNorm v, min(‹cosh of half the range›, 1)), *(*(SpectralNorm v, ‹s1, key path›)… at 1"
      "cross_attention", "min(‹keys and values, token to token›, *(SpectralNorm out, +(*(SpectralNorm v, min(‹cosh of half the range›, 1… at 0"
      "cross_attention", "min(‹keys and values, token to token›, *(SpectralNorm out, +(*(SpectralNorm v, min(‹cosh of half the range›, 1… at 1"
      "cross_attention", "min(‹keys and values, token to token›, *(SpectralNorm out, +(*(SpectralNorm v, min(*(√(#), ‹cosh of half the r… at 0"
      "cross_attention", "+(*(SpectralNorm v, min(‹cosh of half the range›, 1)), *(*(SpectralNorm v, ‹s1, key path›), min(√(1/2), √(Larg… at 1"
      "cross_attention", "*(SpectralNorm out, +(*(SpectralNorm v, min(‹cosh of half the range›, 1)), *(*(SpectralNorm v, ‹s1, key path›)… at 0"
      // a single key has weight 1, and √G(s) ≤ 1 + s/√2
      "cross_attention", "min(√(1/2), 1) at 0"
      "cross_attention", "min(√(1/2), 1) at 1"
      "cross_attention", "*(*(SpectralNorm v, ‹s1, key path›), min(√(1/2), 1)) at 0"
      "cross_attention", "*(*(SpectralNorm v, ‹s1, key path›), min(√(1/2), 1)) at 1"
      "cross_attention", "+(SpectralNorm v, *(*(SpectralNorm v, ‹s1, key path›), min(√(1/2), 1)))… at 0"
      "cross_attention", "+(SpectralNorm v, *(*(SpectralNorm v, ‹s1, key path›), min(√(1/2), 1)))… at 1"
      "cross_attention", "*(SpectralNorm out, +(SpectralNorm v, *(*(SpectralNorm v, ‹s1, key path›), min(√(1/2), 1))))… at 0"
      "cross_attention", "*(SpectralNorm out, +(SpectralNorm v, *(*(SpectralNorm v, ‹s1, key path›), min(√(1/2), 1))))… at 1"
      "cross_attention", "min(‹keys and values, token to token›, *(SpectralNorm out, +(SpectralNorm v, *(*(SpectralNorm v, ‹s1, key path›), min(√(1/2), 1))))… at 0"
      "cross_attention", "min(‹keys and values, token to token›, *(SpectralNorm out, +(SpectralNorm v, *(*(SpectralNorm v, ‹s1, key path›), min(√(1/2), 1))))… at 1"
      // where all k² taps lie on tokens, k·(r + R + …)/2 is no more than √k²·R
      "attention", "min(*(‹lepe, token to token›, +(*(SpectralNorm v, VectorNorm x.R), VectorNorm v_bias)), *(‹lepe, token to token›, …at 0"
      // measured from the input itself, F → token is no more than token-max → token-max
      "attention", "min(+(‹per head, token to token›, …at 0" ]

let contains kind (place: string) =
    listed
    |> List.exists (fun (k, text) ->
        k = kind
        && match text.Split '…' with
           | [| whole |] -> place = whole
           | ends -> place.StartsWith ends.[0] && place.EndsWith ends.[1])
