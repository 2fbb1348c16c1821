namespace Lips.Core

/// A type that weights are stored in.
type Storage =
    | Float16
    | BFloat16
    | Float32

/// What a change of softmax attention's weights is measured against: dot-product logits, |factor| `Scale`, `Heads` heads.
/// The norms bound both the old and the new weights, and so every one between: sets of matrices of bounded norm are convex.
type AttentionSizes =
    { Heads: int64
      Scale: Bound
      /// θ = |Q| and |b_q| of the stacked queries, κ = max_h|K_h| and max_h|b_k,h|, v = max_h|V_h|, |b_v|, o = |O|
      Query: Bound
      QueryBias: Bound
      Key: Bound
      KeyBias: Bound
      Value: Bound
      ValueBias: Bound
      Out: Bound
      /// Every token is within R of 0 and within r of a common point.
      Radius: Bound
      Centred: Bound
      /// Keys and queries are turned by their position.
      Rotary: bool }

/// How far outputs move when weights do, inputs held: |f_{W+D} − f_W| ≤ Σ_l L_after(l)·δ_l, where δ_l bounds how far the output of
/// layer l moves on any one token by its own change, for both its old input and its new one, and L_after(l) is the
/// token-max constant of what comes after it, both with every norm at most its stated bound. (Change the weights layer by layer
/// from the first to the last; each change is felt through the layers after it, which have their old weights still.)
[<RequireQualifiedAccess>]
module Sensitivity =

    let private square x = Bound.power x 2

    /// W·x + b: |D|·R + |d_b|.
    let linear (radius: Bound) (matrix: Bound) (bias: Bound) = matrix * radius + bias

    /// gain·W₂·act(W₁x + b₁) + b₂ when W₁ and b₁ move: |gain|·|W₂|·slope·(|D|·R + |d_b|).
    let mlpUp (gain: Bound) (slope: Bound) (down: Bound) (radius: Bound) (matrix: Bound) (bias: Bound) =
        gain * slope * down * linear radius matrix bias

    /// The same when W₂ and b₂ move; `reach` bounds the activations' norm.
    let mlpDown (gain: Bound) (reach: Bound) (matrix: Bound) (bias: Bound) = gain * reach * matrix + bias

    /// dQ. The output moves by c·V_h·Cov(x)·K_hᵀ·D_h·x_i, |Cov| ≤ r²; with rotary positions Cov(x, R_j(Kx_j + b_k)), at most
    /// r·(κR + |b_k|). Σ_h|u_h||D_h x_i| ≤ |D||x_i|.
    let attentionQuery (a: AttentionSizes) (change: Bound) =
        let path = if a.Rotary then a.Centred * (a.Key * a.Radius + a.KeyBias) else a.Key * square a.Centred
        a.Out * a.Value * a.Scale * change * a.Radius * path

    /// dK. The logits move by c·q_i·D_h x_j: the output by c·V_h·Cov(x)·D_hᵀ·q_i, with rotary positions c·V_h·Cov(x, R_jDx_j)·q_i.
    let attentionKey (a: AttentionSizes) (change: Bound) =
        let path = if a.Rotary then a.Centred * a.Radius else square a.Centred
        a.Out * a.Value * a.Scale * (a.Query * a.Radius + a.QueryBias) * change * path

    /// dV (the stacked change) and d_b of its bias: the means of tokens that heads put out differ, √H of them are within R each.
    let attentionValue (a: AttentionSizes) (change: Bound) (bias: Bound) =
        a.Out * (change * Bound.sqrt (Bound.ofInt64 a.Heads) * a.Radius + bias)

    /// dO and d_b of its bias: |D| times the norm of the heads side by side, v·√H·R + |b_v|.
    let attentionOut (a: AttentionSizes) (change: Bound) (bias: Bound) =
        change * (a.Value * Bound.sqrt (Bound.ofInt64 a.Heads) * a.Radius + a.ValueBias) + bias

    /// Σ_l L_after(l)·δ_l.
    let composed (layers: (Bound * Bound) list) = layers |> List.map (fun (after, own) -> after * own) |> Bound.sum

    /// |D| when a rows × columns matrix of Frobenius norm `frobenius` is rounded to nearest into a type, none overflowing:
    /// u·|W|_F, u = 2^-11, 2^-8, 2^-24, and √(rows·columns) times half the least positive number.
    let storage (into: Storage) (rows: int64) (columns: int64) (frobenius: Bound) =
        let unit, least = (match into with Float16 -> -11, -25 | BFloat16 -> -8, -134 | Float32 -> -24, -150)
        let power e = Bound.ofRational (Rational.PowerOfTwo e)
        power unit * frobenius + Bound.sqrt (Bound.ofInt64 rows * Bound.ofInt64 columns) * power least
