namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// What a function applied to every entry, or to pairs of entries, does to distances and norms.
type internal Activation =
    { Name: string
      Summary: string
      Hyperparameters: Hyperparameter list
      /// Lipschitz constant on entries of size at most t.
      Slope: Bound -> Bound
      /// Largest ℓ2 norm of the result for n entries of size at most t and ℓ2 norm at most s.
      Reach: int64 -> Bound -> Bound -> Bound
      /// The result has the norm of the argument.
      KeepsNorm: bool
      /// Whether it only moves the entries of a token about.
      Permutes: bool
      /// Least and largest slope of a function of single entries, rounded outward; nothing where it has none or they are not bounded.
      Slopes: (Rational * Rational) option
      /// Finite only where the size of the entries is known.
      NeedsSize: bool
      /// Entries are taken two by two.
      Pairs: bool
      Call: string -> string
      Statement: string
      Domain: string
      Proof: string
      Source: string
      Tightness: decimal }

module internal Activation =

    let private plain name summary : Activation =
        { Name = name
          Summary = summary
          Hyperparameters = []
          Slope = fun _ -> Bound.one
          Reach = fun _ _ s -> s
          KeepsNorm = false
          Permutes = false
          Slopes = None
          NeedsSize = false
          Pairs = false
          Call = fun x -> $"{x}.{name}()"
          Statement = "constant 1; R' = R, r' = r"
          Domain = "none"
          Proof = ""
          Source = "definition"
          Tightness = 1.00M }

    /// Slopes from −δ to 1 + δ, δ in units of 10^-16: x·g(x) with g(−x) = 1 − g(x) has f'(−x) = 1 − f'(x).
    let private around (units: int64) =
        let delta = Hyper.ratio units 10000000000000000L
        Some(-delta, Rational.One + delta)

    /// The part of every proof that is the same.
    let private pointwise =
        " Acting on every entry by itself, f moves a token by at most the slope times its distance; token by token this is the same \
         constant for F, TM and F → token. The domain |x_i| ≤ R is a ball, so segments stay inside and the supremum of |f'| over \
         [−t, t] is a Lipschitz constant (t = R for the layer itself: an entry is at most its token's norm). With c the centre, which may \
         be taken in the ball, |f(x_i) − f(c)| ≤ slope·r gives r'."

    let private relu =
        { plain "relu" "max(x, 0)" with
            Slopes = Some(Rational.Zero, Rational.One)
            Proof = "|max(a, 0) − max(b, 0)| ≤ |a − b| and |max(a, 0)| ≤ |a|, both with equality for a, b ≥ 0." + pointwise }

    let private abs =
        { plain "abs" "|x|" with
            KeepsNorm = true
            Slopes = Some(-Rational.One, Rational.One)
            Proof = "||a| − |b|| ≤ |a − b|, and the norm is kept, so R and ρ stay." + pointwise }

    let private tanh =
        { plain "tanh" "hyperbolic tangent" with
            Slopes = Some(Rational.Zero, Rational.One)
            Reach = fun n _ s -> Bound.min [ s; Hyper.root n ]
            Statement = "constant 1; R' = min(R, √width), r' = r"
            Proof = "tanh' = 1 − tanh² lies in (0, 1], 1 at 0; |tanh x| ≤ min(|x|, 1)." + pointwise }

    let private sigmoid =
        { plain "sigmoid" "1/(1 + e^−x)" with
            Slope = fun _ -> Bound.ofQuotient 1L 4L
            Slopes = Some(Rational.Zero, Hyper.ratio 1L 4L)
            Reach = fun n t s -> Bound.min [ Hyper.root n * Bound.apply Fn.SigmoidGain t; Hyper.rootOf (Hyper.ratio n 4L) + Bound.ofQuotient 1L 4L * s ]
            Statement = "constant 1/4; R' = min(√width·σ(t), √width/2 + R/4), r' = r/4"
            Proof =
              "σ' = σ(1 − σ) ≤ 1/4, attained at 0. σ grows, so σ(x) ≤ σ(t) for every entry; and |σ(x)| ≤ σ(0) + |x|/4 entry by entry, \
               summed by Minkowski's inequality." + pointwise }

    let private gelu =
        { plain "gelu" "x·Φ(x), exact" with
            Slope = Bound.apply Fn.GeluSlope
            Slopes = around 1289041451851548L
            Reach = fun _ t s -> Bound.apply Fn.GeluGain t * s
            Statement = "constant S(t) = sup of |gelu'| on [−t, t]: Φ(t) + t·φ(t) up to √2, 1.1289041451851548 beyond; R' = Φ(t)·R, r' = S(t)·r"
            Proof =
              "gelu' = Φ(x) + x·φ(x), gelu'' = φ(x)(2 − x²): gelu' grows on [−√2, √2] and falls outside. Since gelu'(−x) = 1 − gelu'(x), \
               its least value is 1 − gelu'(√2) = −0.1289… and the supremum of |gelu'| on [−t, t] is gelu'(min(t, √2)), at least gelu'(0) = 1/2. \
               gelu'(√2) = (1 + erf 1)/2 + e^−1/√π = 1.128904145185154786341. |gelu(x)| = |x|·Φ(x) ≤ |x|·Φ(t)." + pointwise
            Source = "Hendrycks and Gimpel 2016; constant computed here" }

    let private geluTanh =
        { plain "gelu_tanh" "x·(1 + tanh(√(2/π)(x + 0.044715x³)))/2" with
            Slope = Bound.apply Fn.GeluTanhSlope
            Slopes = around 1289930700000000L
            Reach = fun _ t s -> Bound.apply Fn.GeluTanhGain t * s
            Call = fun x -> $"torch.nn.functional.gelu({x}, TorchSharp.Modules.GELU.Approximate.tanh)"
            Statement = "constant sup of |f'| on [−t, t], at most 1.12899307; R' = σ(2u(t))·R with u(t) = √(2/π)(t + 0.044715t³), r' = constant·r"
            Proof =
              "f(x) = x·g(x) with g(x) = σ(2u(x)), which grows, and g(−x) = 1 − g(x): so f'(−x) = 1 − f'(x), and |f(x)| ≤ |x|·σ(2u(t)). \
               f'' has the sign of 1 − c·x·tanh(u)(1 + 3y)²/(1 + 6y), y = 0.044715x², whose subtracted term grows from 0 for x > 0: f' has \
               one maximum for x > 0, at 1.4185…, with value 1.1289930686… (1.1289930687053 with the coefficient cut to 0.79788456, which \
               implementations use; 1.12899307 covers both), and |f'| on [−t, t] is largest at min(t, 1.4185…)." + pointwise
            Source = "Hendrycks and Gimpel 2016; constant computed here" }

    let private silu =
        { plain "silu" "x·σ(x)" with
            Slope = Bound.apply Fn.SiluSlope
            Slopes = around 998393201288670L
            Reach = fun _ t s -> Bound.apply Fn.SigmoidGain t * s
            Statement = "constant S(t) = sup of |silu'| on [−t, t]: σ(t)(1 + t(1 − σ(t))) up to 2.39935…, 1.0998393201288669 beyond; R' = σ(t)·R, r' = S(t)·r"
            Proof =
              "silu' = σ(1 + x(1 − σ)), and silu'(−x) = 1 − silu'(x). silu'' has the sign of 2 − x·tanh(x/2), whose subtracted term grows \
               with |x|: silu' grows up to x = 2.39935728…, where it is 1.099839320128866916958, and falls after. Its least value is 1 minus that, \
               so the supremum of |silu'| on [−t, t] is silu'(min(t, 2.399…)) ≥ 1/2. |silu(x)| = |x|·σ(x) ≤ |x|·σ(t)." + pointwise
            Source = "Elfwing et al. 2018; constant computed here" }

    /// 1.702 and what a 32-bit float makes of it, 1.70200002…
    let private quickFactor = Bound.ofRational (Hyper.ratio 17020001L 10000000L)

    let private quickGelu =
        { plain "quick_gelu" "x·σ(1.702·x)" with
            Slopes = around 998393201288670L
            Slope = fun t -> Bound.apply Fn.SiluSlope (quickFactor * t)
            Reach = fun _ t s -> Bound.apply Fn.SigmoidGain (quickFactor * t) * s
            Call = fun x -> $"Lips.Runtime.Modules.Activations.QuickGelu({x})"
            Statement = "constant S(a·t), S the slope of silu and a = 1.7020001: at most 1.0998393201288669; R' = σ(a·R)·R, r' = S(a·R)·r"
            Proof =
              "With a = 1.702 the function is silu(a·x)/a, whose derivative is silu'(a·x): its supremum on [−t, t] is that of silu on \
               [−a·t, a·t]. |f(x)| = |x|·σ(a·x) ≤ |x|·σ(a·t). Both grow with a, so 1.7020001 covers the rounding of 1.702 to a float." + pointwise
            Source = "Hendrycks and Gimpel 2016; constant computed here" }

    /// 0x1.16a7d0c455120p+0, the double above 1.088498161251727861228.
    let private mishSlope = Bound.ofRational (Hyper.ratio 1088498161251728L 1000000000000000L)

    let private mish =
        { plain "mish" "x·tanh(ln(1 + e^x))" with
            Slopes = Some(Hyper.ratio -1125261223894626L 10000000000000000L, Hyper.ratio 1088498161251728L 1000000000000000L)
            Slope = fun _ -> mishSlope
            Call = fun x -> $"Lips.Runtime.Modules.Activations.Mish({x})"
            Statement = "constant 1.088498161251728; R' = R, r' = constant·r"
            Proof =
              "With w = e^x, g = tanh(ln(1 + w)) = (w² + 2w)/(w² + 2w + 2) and f' = g + 4x·w(1 + w)/(w² + 2w + 2)². For x ≥ 0, f'' has \
               the sign of 1 + (3w² + 10w + 6)/(2w³ + 3w² − 2w − 2) − x, which falls: f' has one maximum there, at 1.49057117949…, with value \
               1.088498161251727861228. For x < 0, g ≤ 3/5, and the second term lies between −|x|·w ≥ −1/e and 0, as w² + 2w + 2 ≥ 2(1 + w). \
               0 < g < 1 gives |f(x)| ≤ |x|." + pointwise
            Source = "Misra 2019; constant computed here"
            Tightness = 1.00M }

    /// ln 2, rounded up.
    let private ln2 = Hyper.ratio 693147180559945310L 1000000000000000000L

    let private softplus =
        { plain "softplus" "ln(1 + e^x)" with
            Slopes = Some(Rational.Zero, Rational.One)
            Slope = Bound.apply Fn.SigmoidGain
            Reach = fun n t s -> Hyper.root n * Bound.ofRational ln2 + Bound.apply Fn.SigmoidGain t * s
            Call = fun x -> $"Lips.Runtime.Modules.Activations.Softplus({x})"
            Statement = "constant σ(t); R' = √width·ln 2 + σ(t)·R, r' = σ(t)·r"
            Proof =
              "softplus' = σ, which grows, so it is at most σ(t) on [−t, t]; softplus(0) = ln 2, hence |softplus(x)| ≤ ln 2 + σ(t)|x|, \
               summed over the entries by Minkowski's inequality." + pointwise }

    let private squaredRelu =
        { plain "squared_relu" "max(x, 0)²" with
            Slope = fun t -> Bound.ofInt 2 * t
            Slopes = None
            Reach = fun _ t s -> t * s
            NeedsSize = true
            Call = fun x -> $"{x}.relu().square()"
            Statement = "constant 2t; R' = t·R, r' = 2t·r"
            Domain = "entries of size at most t (t = R for the layer itself); there is no constant without it"
            Proof = "The derivative 2·max(x, 0) is at most 2t on [−t, t], attained at t. |max(x, 0)²| ≤ t·|x|." + pointwise
            Source = "So et al. 2021 (Primer); constant by definition" }

    let private groupSort =
        { plain "group_sort" "sorts every pair of neighbouring channels, the larger first (MaxMin)" with
            KeepsNorm = true
            Permutes = true
            Slopes = None
            Pairs = true
            Call = fun x -> $"Lips.Runtime.Modules.Activations.GroupSort({x})"
            Domain = "an even width"
            Proof =
              "On each pair the map is one of two permutations, each an isometry, and both agree where the entries are equal; along a segment \
               the output's path is made of isometric images of its pieces, so |f(x) − f(y)| ≤ |x − y|. A permutation keeps the norm and the mean, so R, \
               ρ and ρ_c stay. A token equal to the centre c, within the ball, goes to f(c), which is within r of every output."
            Source = "Anil, Lucas and Grosse 2019, section 4" }

    let private softmax =
        { plain "softmax" "e^x over its sum over the channels of a token" with
            Slope = fun _ -> Bound.ofQuotient 1L 2L
            Reach = fun n _ s -> Bound.min [ Bound.one; Hyper.rootOf (Hyper.ratio 1L n) + Bound.ofQuotient 1L 2L * s ]
            Call = fun x -> $"{x}.softmax(-1)"
            Statement = "constant 1/2; R' = min(1, 1/√width + R/2), r' = r/2"
            Proof =
              "The derivative diag(p) − ppᵀ is symmetric, and uᵀ(diag(p) − ppᵀ)u is the variance of u's entries under p: at most a quarter of the \
               square of max u − min u, which is at most √2·|u|. So its norm is at most 1/2 at every point, token by token; equality at two equal \
               entries beside which all others vanish. The entries of p are not negative and add up to 1, so |p| ≤ 1, and p(0) has norm 1/√width. \
               With c the centre, |f(x_i) − f(c)| ≤ r/2. A temperature is a `scale` before it. What attention does with a softmax does not go \
               through this constant: its rules bound weights and values together."
            Source = "variance of bounded numbers (Popoviciu 1935); compare Gao and Pavel 2017" }

    let private leaky (negative: Value option) =
        let slope =
            match negative with
            | Some v -> Rational.Max(Rational.One, Hyper.size v)
            | None -> Rational.One

        { plain "leaky_relu" "x for x ≥ 0, slope·x below" with
            Hyperparameters = [ Hyper.realOr (Hyper.ratio 1L 100L) "slope" "slope for negative numbers" ]
            Slope = fun _ -> Bound.ofRational slope
            Slopes =
                (match negative with
                 | Some v -> Some(Rational.Min(Rational.One, Hyper.lower v), Rational.Max(Rational.One, Hyper.upper v))
                 | None -> None)
            Reach = fun _ _ s -> Bound.ofRational slope * s
            Call =
                fun x ->
                    let a = (match negative with Some v -> Hyper.literal v | None -> "0.01")
                    $"{x}.leaky_relu(negative_slope: {a})"
            Statement = "constant m = max(1, |slope|); R' = m·R, r' = m·r"
            Proof = "The derivative is 1 or the slope, so its size is at most m, attained; f(0) = 0 gives |f(x)| ≤ m·|x|." + pointwise }

    /// `activation: leaky_relu(slope: 0.1)`, and the kinds of the same names.
    let private all = [ relu; gelu; geluTanh; quickGelu; silu; mish; tanh; sigmoid; abs; leaky None; softplus; squaredRelu; softmax; groupSort ]

    let private none =
        { plain "none" "no activation" with
            KeepsNorm = true
            Slopes = Some(Rational.One, Rational.One)
            Call = id
            Proof = "The identity." }

    let alternatives: Alternative list =
        [ for a in all @ [ none ] -> Hyper.alternative a.Name a.Summary a.Hyperparameters ]

    let ofChoice (name: string, options: Options) =
        if name = "leaky_relu" then leaky (Some(options.Value "slope"))
        else all @ [ none ] |> List.find (fun a -> a.Name = name)

    let private entryOf (listed: Activation) : LayerKind =
        let chosen (options: Options) = ofChoice (listed.Name, options)

        let rule (input: RuleInput) =
            let a = chosen input.Options
            let x = input.Input
            let slope = input.Name "slope" (a.Slope x.Radius)
            let reach = a.Reach x.Shape.Width x.Radius x.Radius

            { Space =
                { Space.step input.Layer.Output (Space.tokenwise slope) reach (slope * x.Centred) x with
                    Lower = (if a.KeepsNorm then x.Lower else Space.noLower)
                    LowerCentred = (if a.Permutes then x.LowerCentred else Space.noLower) }
              Rule = a.Name + ".slope"
              Candidates = []
              Needs =
                [ if a.NeedsSize then
                      { Value = x.Radius
                        Why = "its slope grows with its argument, and the radius of the tokens is unknown"
                        Fix = "bound the radius before it: cap the biases, positions and embedding rows, or put a norm before it" } ] }

        { Name = listed.Name
          Summary = "activation: " + listed.Summary
          Citation = listed.Source
          Hyperparameters = listed.Hyperparameters
          Positional = listed.Hyperparameters.Length
          Parts = []
          TakesBody = false
          Shape =
            fun _ x ->
                if listed.Pairs && x.Width % 2L <> 0L then Error(Indivisible("width", x.Width, "the size of a group", 2L))
                else Hyper.continuous x x
          Weights = fun _ _ -> []
          Rule = rule
          Rules =
            [ { Name = listed.Name + ".slope"
                Statement = listed.Statement
                Domain = listed.Domain
                Proof = listed.Proof
                Citation = listed.Source
                Tightness = listed.Tightness } ]
          Macs = fun _ _ -> BigInteger.Zero
          Emit = fun input -> { Members = []; Forward = fun x _ -> (chosen input.Options).Call x } }

    let entries = all |> List.map entryOf
