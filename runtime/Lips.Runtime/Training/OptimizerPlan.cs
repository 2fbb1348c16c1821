using System;
using System.Collections.Generic;
using System.Linq;

namespace Lips.Runtime.Training;

/// <summary>How the weights of one role are updated.</summary>
public abstract record OptimizerPlan(double LearningRate)
{
    /// <summary>Muon: momentum, then the nearest semi-orthogonal matrix, scaled to RMS→RMS norm <c>LearningRate</c>.</summary>
    public sealed record Muon(double LearningRate, double Momentum, bool Nesterov, double WeightDecay) : OptimizerPlan(LearningRate);

    /// <summary>Momentum with every row scaled to RMS <c>LearningRate</c>, a rare row inflated at most 16 times: Muon's companion for embeddings.</summary>
    public sealed record Rows(double LearningRate, double Momentum, bool Nesterov) : OptimizerPlan(LearningRate);

    /// <summary>Adam with decoupled weight decay (Loshchilov and Hutter 2019).</summary>
    public sealed record AdamW(double LearningRate, double Beta1, double Beta2, double Epsilon, double WeightDecay) : OptimizerPlan(LearningRate);

    public sealed record Sgd(double LearningRate, double Momentum, bool Nesterov, double WeightDecay) : OptimizerPlan(LearningRate);

    /// <summary>SGD whose rate is scaled by trust·‖w‖/(‖g‖ + decay·‖w‖), weight by weight (You et al. 2017).</summary>
    public sealed record Lars(double LearningRate, double Momentum, double Trust, double WeightDecay) : OptimizerPlan(LearningRate);

    /// <summary>The rate of embeddings beside Muon's, where the recipe gives them none.</summary>
    public const double EmbeddingShare = 0.1;

    /// <summary>The largest rate of the AdamW that updates gains, biases, tables and α beside Muon, where the recipe gives none.</summary>
    public const double CompanionRate = 1e-3;

    private static readonly Dictionary<string, string[]> ArgumentNames = new(StringComparer.Ordinal)
    {
        ["muon"] = ["lr", "momentum", "nesterov", "weight_decay"],
        ["adamw"] = ["lr", "betas", "eps", "weight_decay"],
        ["lars"] = ["lr", "momentum", "trust", "weight_decay"],
        ["sgd"] = ["lr", "momentum", "nesterov", "weight_decay"],
    };

    /// <summary>The plan of every role, from <c>optimizer: …</c>, <c>optimizer of [roles]: …</c> and <c>optimizer.x of [roles]: …</c>; later entries win.</summary>
    public static IReadOnlyDictionary<Role, OptimizerPlan> Parse(IReadOnlyList<RecipeEntry> entries)
    {
        var plans = new Dictionary<Role, OptimizerPlan>();
        foreach (var role in Enum.GetValues<Role>())
        {
            RecipeValue.Call? call = null;
            bool own = false;
            var overrides = new Dictionary<string, RecipeValue>(StringComparer.Ordinal);
            foreach (var entry in entries.Where(e => e.Path == "optimizer" || e.Path.StartsWith("optimizer.", StringComparison.Ordinal)))
            {
                if (entry.Roles.Count > 0 && !entry.Roles.Select(RoleOf).Contains(role))
                    continue;
                if (entry.Path == "optimizer")
                {
                    if (entry.Roles.Count == 0 && own)
                        continue;
                    call = RecipeArguments.AsCall("optimizer", entry.Value);
                    own = entry.Roles.Count > 0;
                }
                else
                {
                    overrides[entry.Path["optimizer.".Length..]] = entry.Value;
                }
            }
            if (call is null)
                throw new RecipeException($"The recipe names no optimizer for {RoleName(role)}: add 'optimizer: muon(lr: ...)', adamw or sgd.");
            plans[role] = One(call, overrides, role, own);
        }
        return plans;
    }

    private static OptimizerPlan One(RecipeValue.Call call, Dictionary<string, RecipeValue> overrides, Role role, bool own)
    {
        if (!ArgumentNames.TryGetValue(call.Name, out var names))
            throw new RecipeException($"Unknown optimizer '{call.Name}'; it may be {string.Join(", ", ArgumentNames.Keys)}.");
        string entry = own ? $"optimizer of {RoleName(role)}" : "optimizer";
        var arguments = new RecipeArguments(entry, call, names, overrides);
        double Rate(string name, double fallback) => arguments.Number(name, fallback, 0, 1e6);
        double decay = Rate("weight_decay", 0);
        switch (call.Name)
        {
            case "lars":
                return new Lars(Rate("lr", 0.5), arguments.Number("momentum", 0.9, 0, 0.999999), arguments.Number("trust", 1e-3, 0, 1e6), decay);
            case "sgd":
                return new Sgd(Rate("lr", 0.1), arguments.Number("momentum", 0, 0, 0.999999), arguments.Flag("nesterov", false), decay);
            case "adamw":
                var (beta1, beta2) = arguments.Pair("betas", 0.9, 0.999);
                return new AdamW(Rate("lr", 1e-3), RecipeArguments.InRange("betas", beta1, 0, 0.999999), RecipeArguments.InRange("betas", beta2, 0, 0.999999999), arguments.Number("eps", 1e-8, 1e-20, 1), decay);
            default:
                double rate = Rate("lr", 0.02), momentum = arguments.Number("momentum", 0.9, 0, 0.999999);
                bool nesterov = arguments.Flag("nesterov", false);
                return role switch
                {
                    Role.Matrix or Role.Kernel => new Muon(rate, momentum, nesterov, decay),
                    Role.Embedding => new Rows(own ? rate : EmbeddingShare * rate, momentum, nesterov),
                    _ => new AdamW(own ? rate : Math.Min(rate, CompanionRate), 0.9, 0.95, 1e-8, 0),
                };
        }
    }

    public static string RoleName(Role role) => role.ToString().ToLowerInvariant();

    public static Role RoleOf(string name) => Enum.GetValues<Role>().Cast<Role?>().FirstOrDefault(r => RoleName(r!.Value) == name)
        ?? throw new RecipeException($"Unknown role '{name}'; it may be {string.Join(", ", Enum.GetValues<Role>().Select(RoleName))}.");
}
