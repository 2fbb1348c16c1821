namespace Lips.Core

/// The functions of `Fn` on `Upper`, rounded up. Each is evaluated at the upper bound of its argument, which is sound since
/// all are non-decreasing.
module UpperFunctions =
    open UpperExponential

    let private add = Directed.add
    let private subtract = Directed.subtract
    let private multiply = Directed.multiply
    let private divide = Directed.divide
    let private scale = Directed.scale
    let private less = Directed.less
    let private word (n: int64) = Directed.ofWord (uint64 n)
    let private one = Upper.One
    let private half = Upper(Wide.top, -64L)

    let exp (x: Upper) = exponential true x

    /// (E + 1/E)/2 at E = e^x ≥ 1, where it grows with E.
    let cosh (x: Upper) =
        let e = exponential true x

        if x.IsZero then one
        elif e.IsInfinity then e
        else scale true (add true e (divide true one e)) -1L

    /// (N−1)(E−1)/(N + (N−1)(E−1)) at E = e^t, growing with E.
    let doeblinComplement (tokens: int64) (t: Upper) =
        let m = exponentialMinusOne t

        if tokens = 1L || m.IsZero then Upper.Zero
        elif m.IsInfinity then one
        else
            let others = word (tokens - 1L)
            let below = add false (word tokens) (multiply false others m)
            Upper.Min(one, divide true (multiply true others m) below)

    let largestSoftmaxWeight (tokens: int64) (t: Upper) =
        let e = exponential true t

        if e.IsInfinity || tokens = 1L then one
        else Upper.Min(one, divide true e (add false e (word (tokens - 1L))))

    /// Σ_{i<N} E/(E+i) at E = e^t. The first 32 terms are added (all, up to N = 64); the others sum to
    /// E·(ψ(b) − ψ(a)), a = E+32, b = E+N. Binet: 1/(e^x−1) − 1/x + 1/2 = Σ_k 2x/(x²+4π²k²), each term enveloped
    /// by its geometric series, so ψ(x) = ln x − 1/(2x) − 1/(12x²) + 1/(120x⁴) − 1/(252x⁶) + … is enveloped for
    /// x > 0: cutting after a positive term bounds ψ(b) above, after a negative one ψ(a) below. Hence
    /// ψ(b) − ψ(a) ≤ ln(b/a) + δ/2 + δ(1/a+1/b)/12 − δ(1/a+1/b)(1/a²+1/b²)/120 + (1/a⁶ − 1/b⁶)/252 + 1/(240b⁸) with
    /// δ = 1/a − 1/b, which exceeds it by less than 1/(240a⁸) < 4e-15.
    let causalColumnMass (tokens: int64) (t: Upper) =
        let e = exponential true t
        let all = word tokens

        if e.IsInfinity then
            all
        else
            let direct = if tokens <= 64L then tokens else 32L
            let mutable sum = one

            for i in 1L .. direct - 1L do
                sum <- add true sum (divide true e (add false e (word i)))

            if tokens > direct then
                let aDown = add false e (word direct)
                let aUp = add true e (word direct)
                let bDown = add false e all
                let bUp = add true e all
                let count = word (tokens - direct)
                let deltaUp = divide true count (multiply false aDown bDown)
                let deltaDown = divide false count (multiply true aUp bUp)
                let inverseUp = divide true one aDown
                let inverseDown = divide false one aUp
                let bInverseUp = divide true one bDown
                let pairUp = add true inverseUp bInverseUp
                let bInverseDown = divide false one bUp
                let pairDown = add false inverseDown bInverseDown

                let squaresDown =
                    add false (multiply false inverseDown inverseDown) (multiply false bInverseDown bInverseDown)

                let logarithm = logarithmOfOnePlus (divide true count aDown)
                let second = divide true (multiply true deltaUp pairUp) (word 12L)
                let sixths = subtract true (Directed.power true inverseUp 6) (Directed.power false bInverseDown 6)
                let sixth = divide true sixths (word 252L)
                let eighth = divide true (Directed.power true bInverseUp 8) (word 240L)

                let fourth =
                    divide false (multiply false deltaDown (multiply false pairDown squaresDown)) (word 120L)

                let positive = add true (add true logarithm (scale true deltaUp -1L)) (add true second (add true sixth eighth))
                sum <- add true sum (multiply true e (subtract true positive fourth))

            Upper.Min(all, sum)

    /// 1 up to 1/2; beyond, z² + (z−1)² with z = (1+2t)²/(8t), z − 1 = (2t−1)²/(8t).
    let saturationG (t: Upper) =
        if not (less half t) then one
        elif t.IsInfinity then t
        else
            let twice = scale true t 1L
            let eight = scale true t 3L
            let p = add true one twice
            let q = subtract true twice one
            let z = divide true (multiply true p p) eight
            let d = divide true (multiply true q q) eight
            add true (multiply true z z) (multiply true d d)

    /// σ(x) = E/(1+E), growing with E.
    let sigmoid (x: Upper) =
        let e = exponential true x
        if e.IsInfinity then one else Upper.Min(one, divide true e (add false one e))

    /// σ'(x) = E/(1+E)² falls with E ≥ 1: evaluated at a lower bound of x.
    let private sigmoidSlope (xDown: Upper) =
        let e = exponential false xDown
        let p = add false one e
        divide true e (multiply false p p)

    /// σ(x) = E/(1+E) and σ(−x) = 1/(1+E) for x ≥ 0.
    let private above (up: bool) (x: Upper) =
        let e = exponential up x
        if e.IsInfinity then one else divide up e (add (not up) one e)

    let private below (up: bool) (x: Upper) =
        let e = exponential (not up) x
        divide up one (add (not up) one e)

    /// |bias| + t and ± (|bias| − t), rounded in the given direction of the value where σ is taken.
    let private logistic (up: bool) (magnitude: Upper) (negative: bool) (t: Upper) (plus: bool) (reflected: bool) =
        // l = ±magnitude ± t; `reflected`: σ(−l)
        let same = (negative <> plus)
        let size direction = if same then add direction magnitude t else subtract direction t magnitude
        let opposite direction = subtract direction magnitude t
        // the sign of l
        let positive = if same then plus else (if less magnitude t then plus else not negative)
        let towards = positive <> reflected
        let x direction = if same || less magnitude t then size direction else opposite direction
        if towards then above up (x up) else below up (x (not up))

    /// sup of σ(l) + k·t·σ'(l) over |l − bias| ≤ t. With κ = kt the function is F(σ) = σ(1 + κ(1−σ)): growing where κ ≤ 1 or
    /// σ ≤ (1+κ)/(2κ), falling beyond, (1+κ)²/(4κ) between.
    let sigmoidWeight (bias: Rational) (slopes: int) : Upper -> Upper =
        let negative = bias.Sign < 0
        // the doubles that biases are have at most 53 bits: exact
        let magnitude = Directed.ofRational true bias.Abs

        fun t ->
            let k = multiply true (word (int64 slopes)) t

            if t.IsInfinity then
                if slopes = 0 then one else Upper.Infinity
            else
                let at plus =
                    let sigma = logistic true magnitude negative t plus false
                    let rest = logistic true magnitude negative t plus true
                    multiply true sigma (add true one (multiply true k rest))

                if not (less one k) then
                    at true
                else
                    let kDown = multiply false (word (int64 slopes)) t
                    let twice direction = scale direction (if direction then k else kDown) 1L
                    // (1+κ)/(2κ) = 1/2 + 1/(2κ)
                    let peakDown = add false half (divide false one (twice true))
                    let peakUp = add true half (divide true one (twice false))

                    if not (less peakDown (logistic true magnitude negative t true false)) then at true
                    elif not (less (logistic false magnitude negative t false false) peakUp) then at false
                    else
                        // (1+κ)²/(4κ) = 1/2 + κ/4 + 1/(4κ)
                        add true half (add true (scale true k -2L) (scale true (divide true one kDown) -2L))

    /// sup of σ'(l) over |l − bias| ≤ t: 1/4 once 0 is among them.
    let sigmoidSteepness (bias: Rational) : Upper -> Upper =
        let magnitude = Directed.ofRational false bias.Abs
        let quarter = scale true one -2L

        fun t ->
            if not (less t magnitude) then quarter
            else Upper.Min(quarter, sigmoidSlope (subtract false magnitude t))

    // 1/√(2π), rounded up.
    let private gaussian = Upper(0xCC42299EA1B28469UL, -65L)

    /// φ(t)/C = e^(−t²/2), rounded up, as its denominator rounded down.
    let private gaussianDenominator (t: Upper) =
        exponential false (scale false (multiply false t t) -1L)

    /// Φ(t) = 1/2 + φ(t)·Σ t^(2n+1)/(2n+1)!!. The sum stops at a term whose successors shrink by a ratio below
    /// 1/2, so that they add at most that term once more; the stop is below 2^-68 of the sum. Beyond t = 9,
    /// where 1 − Φ < 2^-62, the value is 1.
    let gaussianCdf (t: Upper) =
        if t.IsZero then half
        elif less (word 9L) t then one
        else
            let square = multiply true t t
            let mutable term = t
            let mutable sum = t
            let mutable k = 1L
            let mutable go = true

            while go do
                k <- k + 2L
                term <- divide true (multiply true term square) (word k)
                sum <- add true sum term
                go <- less (word (k + 2L)) (scale true square 1L) || less (scale true sum -68L) term

            let series = multiply true (add true sum term) gaussian
            Upper.Min(one, add true half (divide true series (gaussianDenominator t)))

    // Double constants of the suprema, rounded up: 1.1289041451851548 at √2, 1.09983932012886693 at 2.39935728….
    let private geluPeak = Upper(0x907FEE57F1CD4000UL, -63L)
    let private siluPeak = Upper(0x8CC788EB67784800UL, -63L)
    // 1.12899307 and 0.044715, 0.134145 = 3·0.044715, rounded up.
    let private geluTanhPeak = Upper(0x9082D84C87C30274UL, -63L)
    let private cubic = Upper(0xB727136A400FBA89UL, -68L)
    let private cubicSlope = Upper(0x895D4E8FB00BCBE7UL, -66L)
    let private cubicDown = Upper(0xB727136A400FBA88UL, -68L)
    // √(2/π) rounded up, and the truncated coefficient 0.79788456 rounded down.
    let private tanhScaleUp = Upper(0xCC42299EA1B28469UL, -64L)
    let private tanhScaleDown = Upper(0xCC42299B2EF00286UL, -64L)
    // 1.4185 and 2.3993572805, below the places of the peaks, rounded down.
    let private geluTanhPlace = Upper(0xB5916872B020C49BUL, -63L)
    let private siluPlace = Upper(0x998F11D6CAB01A98UL, -62L)

    /// Φ(t) + tφ(t) while t² < 2, at most the peak.
    let geluSlope (t: Upper) =
        if less (multiply true t t) (word 2L) then
            let density = divide true (multiply true t gaussian) (gaussianDenominator t)
            Upper.Min(geluPeak, add true (gaussianCdf t) density)
        else
            geluPeak

    /// u(t) = c·t·(1 + 0.044715t²)
    let private tanhArgument (up: bool) (t: Upper) =
        let square = multiply up t t
        let factor = add up one (multiply up (if up then cubic else cubicDown) square)
        multiply up (multiply up (if up then tanhScaleUp else tanhScaleDown) t) factor

    let geluTanhGain (t: Upper) =
        if t.IsInfinity then one else sigmoid (scale true (tanhArgument true t) 1L)

    /// σ(2u) + 2tσ'(2u)u' before the peak: σ at the largest coefficient, σ' at the smallest.
    let geluTanhSlope (t: Upper) =
        if less t geluTanhPlace then
            let gain = sigmoid (scale true (tanhArgument true t) 1L)
            let square = multiply true t t
            let inner = multiply true tanhScaleUp (add true one (multiply true cubicSlope square))
            let slope = sigmoidSlope (scale false (tanhArgument false t) 1L)
            let product = scale true (multiply true t (multiply true slope inner)) 1L
            Upper.Min(geluTanhPeak, add true gain product)
        else
            geluTanhPeak

    /// σ(t) + tσ'(t) before the peak.
    let siluSlope (t: Upper) =
        if less t siluPlace then
            Upper.Min(siluPeak, add true (sigmoid t) (multiply true t (sigmoidSlope t)))
        else
            siluPeak

    /// 1/√(max(0, start−t)²/dim + eps), from lower bounds of start and eps.
    let shellGain (start: Upper) (dim: int64) (eps: Upper) (t: Upper) =
        let left = subtract false start t
        let mean = divide false (multiply false left left) (word dim)
        divide true one (Directed.squareRoot false (add false mean eps))

    /// 1/(max(0, start−t)/√dim + eps), from lower bounds of start and eps.
    let shellGainAdded (start: Upper) (dim: int64) (eps: Upper) (t: Upper) =
        let deviation = divide false (subtract false start t) (Directed.squareRoot true (word dim))
        divide true one (add false deviation eps)

    /// The least w of 64 bits with w·e^(w+1) ≥ n·e^t, both sides rounded against us: w·e^w grows with w, so a
    /// w that passes is at least W₀(n·e^(t−1)).
    let lambertW (n: int64) (t: Upper) =
        if n = 0L then
            Upper.Zero
        else
            let target = multiply true (word n) (exponential true t)

            let passes (w: Upper) =
                not (less (multiply false w (exponential false (add false w one))) target)

            if target.IsInfinity then
                Upper.Infinity
            else
                let mutable e = -63L

                while not (passes (Upper(Wide.top, e))) do
                    e <- e + 1L

                while passes (Upper(Wide.top, e - 1L)) do
                    e <- e - 1L

                // 2^63 at e − 1 fails and 2^64 at e − 1 passes: settle the bits between.
                let mutable m = Wide.top

                for bit = 62 downto 0 do
                    let trial = m ||| (1UL <<< bit)

                    if not (passes (Upper(trial, e - 1L))) then
                        m <- trial

                Directed.finish true m (e - 1L) true

    /// The function on `Upper`, its constants converted once.
    let apply (fn: Fn) : Upper -> Upper =
        match fn with
        | Fn.Exp -> exp
        | Fn.Cosh -> cosh
        | Fn.DoeblinComplement n -> doeblinComplement n
        | Fn.LargestSoftmaxWeight n -> largestSoftmaxWeight n
        | Fn.CausalColumnMass n -> causalColumnMass n
        | Fn.SaturationG -> saturationG
        | Fn.GeluGain -> gaussianCdf
        | Fn.SigmoidGain -> sigmoid
        | Fn.GeluTanhGain -> geluTanhGain
        | Fn.GeluSlope -> geluSlope
        | Fn.GeluTanhSlope -> geluTanhSlope
        | Fn.SiluSlope -> siluSlope
        | Fn.ShellGain(start, dim, eps) ->
            shellGain
                (if start.Sign <= 0 then Upper.Zero else Directed.ofRational false start)
                dim
                (Directed.ofRational false eps)
        | Fn.ShellGainAdded(start, dim, eps) ->
            shellGainAdded
                (if start.Sign <= 0 then Upper.Zero else Directed.ofRational false start)
                dim
                (Directed.ofRational false eps)
        | Fn.LambertW n -> lambertW n
        | Fn.SigmoidWeight(bias, slopes) -> sigmoidWeight bias slopes
        | Fn.SigmoidSteepness bias -> sigmoidSteepness bias
        | Fn.LessOne -> fun t -> subtract true t one
