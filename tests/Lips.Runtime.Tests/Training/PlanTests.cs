using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Training;
using Xunit;
using static Lips.Runtime.RecipeValue;

namespace Lips.Runtime.Tests.Training;

public class PlanTests
{
    private static RecipeEntry Entry(string path, RecipeValue value, params string[] roles) => new(path, roles, value);

    private static Call Choice(string name, params (string?, RecipeValue)[] arguments) => new(name, arguments);

    private static List<RecipeEntry> Base() =>
    [
        Entry("data", Choice("documentation")),
        Entry("objective", Choice("next_token")),
        Entry("optimizer", Choice("adamw", ("lr", new Number(5e-4)), ("weight_decay", new Number(0.05)))),
        Entry("steps", new Number(100)),
    ];

    [Fact]
    public void A_recipe_is_typed_with_its_defaults()
    {
        var plan = TrainingPlan.Parse(Base());
        Assert.Equal(new DataPlan.Text(null, "bytes", 0.9), plan.Data);
        Assert.Equal(new OptimizerPlan.AdamW(5e-4, 0.9, 0.999, 1e-8, 0.05), plan.Optimizers[Role.Matrix]);
        Assert.Equal(100, plan.Steps);
    }

    [Fact]
    public void Roles_and_parts_override_and_the_last_entry_wins()
    {
        var plan = TrainingPlan.Parse(
        [
            .. Base(),
            Entry("optimizer.weight_decay", new Number(0), "gain", "bias"),
            Entry("optimizer", Choice("muon", ("lr", new Number(0.1))), "matrix", "kernel"),
            Entry("optimizer.lr", new Number(0.2)),
            Entry("steps", new Number(7)),
        ]);
        Assert.Equal(0, ((OptimizerPlan.AdamW)plan.Optimizers[Role.Gain]).WeightDecay);
        Assert.Equal(0.05, ((OptimizerPlan.AdamW)plan.Optimizers[Role.Embedding]).WeightDecay);
        Assert.Equal(0.2, ((OptimizerPlan.Muon)plan.Optimizers[Role.Matrix]).LearningRate);
        Assert.Equal(7, plan.Steps);
    }

    public static TheoryData<string, string, string> Mistakes() => new()
    {
        { "stepz", "100", "steps" },
        { "precision", "float16", "float32 or bfloat16" },
        { "loading", "later", "auto, ahead or in_turn" },
        { "graphs", "on", "auto or off" },
        { "recompute", "all", "none or blocks" },
        { "optimizer", "adam", "adamw" },
        { "optimizer.rate", "1", "lr" },
        { "schedule", "cosin", "cosine" },
        { "data", "imagenet", "documentation" },
        { "objective", "loss", "next_token" },
        { "steps", "1.5", "whole number" },
        { "ema", "2", "between" },
        { "clip.x", "1", "no parts" },
        { "augment", "turn", "flip and shift" },
        { "accumulate", "3", "divide" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void A_mistake_is_answered_with_what_may_stand_there(string path, string value, string expected)
    {
        RecipeValue parsed = double.TryParse(value, System.Globalization.CultureInfo.InvariantCulture, out double number) ? new Number(number) : Choice(value);
        var error = Assert.Throws<RecipeException>(() => TrainingPlan.Parse([.. Base(), Entry(path, parsed)]));
        Assert.Contains(expected, error.Message);
        Assert.Equal(2, error.ExitCode);
    }

    [Fact]
    public void Schedules_follow_their_formulas()
    {
        Schedule Parse(string name, params (string?, RecipeValue)[] arguments) => Schedule.Parse(Choice(name, arguments), new Dictionary<string, RecipeValue>());
        Assert.Equal([1, 0.75, 0.5, 0.25], Enumerable.Range(0, 4).Select(s => Parse("linear").Factor(s, 4)));
        Assert.Equal([1, 1, 0.55, 0.1], new long[] { 0, 5, 8, 10 }.Select(s => Math.Round(Parse("flat_then_linear", ("flat", new Number(0.6))).Factor(s, 10), 9)));
        var cosine = Parse("cosine", ("warmup", new Number(10)));
        Assert.Equal([0.1, 0.5, 1, 0.5, 0], new long[] { 0, 4, 10, 55, 100 }.Select(s => Math.Round(cosine.Factor(s, 100), 9)));
        var inverse = Parse("inverse_sqrt", ("warmup", new Number(100)));
        Assert.Equal(0.5, inverse.Factor(399, 1000), 9);
        Assert.Equal(0.5, inverse.Factor(49, 1000), 9);
        Assert.Equal(1, Parse("constant").Factor(999, 1000));
    }
}
