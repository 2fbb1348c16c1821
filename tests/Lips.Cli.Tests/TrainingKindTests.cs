using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using Lips.Runtime.Training;
using Xunit;

namespace Lips.Cli.Tests;

/// <summary>Every kind of training from spec to certificate: several inputs, CTC, distillation, reparametrized weights, grids.</summary>
public sealed class TrainingKindTests : CommandLine
{
    private const string Pairs = """
        model Pairs(width = 8) in rms {
          input source = tokens(258, 7)
          input target = tokens(258, 6)
          weights(init: truncated_normal(0.1), reparam: sigma_reparam(gain: 1, grouping: qk_v))
          memory = from source {
            words = embedding(width)
            position(sinusoidal)
            repeat 2 { residual { attention(2) }; layer_norm }
          }
          logits = from target {
            embedding(width, tie: memory.words)
            residual { attention(2, mask: causal) }
            residual { cross_attention(2, memory: memory) }
            residual { mlp(ratio: 2, activation: relu) }
            linear(258, bias: false, tie: memory.words)
          }
          recipe {
            data: pairs("a.txt", "b.txt", split: 0.75)
            objective: next_token(target, label_smoothing: 0.1)
            optimizer: adamw(lr: 0.01)
            schedule: inverse_sqrt(warmup: 2)
            steps: 4; batch: 3; seed: 1; ema: 0.5; clip: 1; accumulate: 3
          }
        }

        """;

    private const string Speech = """
        model Speech(width = 8) in l2 {
          input audio = features(40, 6, radius: 5)
          conv1d(width, kernel: 3, stride: 2, padding: 1)
          relu
          weights of matrix (reparam: weight_norm)
          residual { attention(2) }
          weights of matrix (reparam: spectral_norm)
          logits = linear(4)
          recipe {
            data: made_speech(samples: 12, symbols: 3, longest: 3)
            objective: ctc
            optimizer: lars(lr: 0.1)
            steps: 3; batch: 4; seed: 1
          }
        }

        """;

    private const string Distilled = """
        block Net(width) {
          flatten
          linear(width)
          relu
          linear(10)
        }
        model Teacher(size = 12) in l2 {
          input pixels = image(1, 8, 8, range: [0, 1])
          logits = Net(size)
          claim parameters == 910
          recipe { data: digits(60); objective: cross_entropy; optimizer: sgd(lr: 0.1); steps: 2; batch: 8; seed: 1 }
        }
        model Student(width = 6) in l2 {
          input pixels = image(1, 8, 8, range: [0, 1])
          body = stack { flatten; hidden = linear(width); relu }
          logits = linear(10)
          recipe { data: digits(60); objective: nkd(teacher: Teacher, weights: "runs/teacher/model.safetensors"); optimizer: adamw(lr: 0.01); steps: 4; batch: 8; seed: 1 }
        }

        """;

    private static Outcome Good(params string[] arguments)
    {
        var outcome = Run(arguments);
        Assert.True(outcome.Code == 0, outcome.Output + outcome.Errors);
        return outcome;
    }

    [Fact]
    public void A_model_of_two_inputs_trains_on_pairs_resumes_bit_by_bit_and_is_certified_folded()
    {
        File.WriteAllText("a.txt", string.Concat(Enumerable.Repeat("one\ntwo\nthree\nfour\n", 4)));
        File.WriteAllText("b.txt", string.Concat(Enumerable.Repeat("eins\nzwei\ndrei\nvier\n", 4)));
        Good("train", Write("pairs.lips", Pairs));
        Assert.Contains("the certificate stands", Good("verify", "runs/pairs").Output);
        Assert.Contains("over 20 predictions", Good("eval", "runs/pairs").Output);
        var last = MetricsLog.Read("runs/pairs/metrics.jsonl").Last(m => m.Attention is not null).Attention!;
        Assert.Equal(["memory.repeat.0.attention", "memory.repeat.1.attention", "logits.attention", "logits.cross_attention"], last.Keys);
        Assert.All(last.Values, heads => Assert.Equal(2, heads.Count));
        Assert.All(last.Values.SelectMany(heads => heads), head => Assert.InRange(head.Floor!.Value, 0, head.Entropy));
        Assert.Contains("Attention entropy", File.ReadAllText("runs/pairs/report.html"));
        // the model file holds weights, nothing of how they were trained
        Assert.DoesNotContain("gamma", string.Join(' ', Lips.Runtime.Checkpoints.Safetensors.Read("runs/pairs/model.safetensors").Tensors.Keys));

        byte[] whole = File.ReadAllBytes("runs/pairs/model.safetensors");
        Good("train", "pairs.lips", "--name", "parts", "--stop-at", "2");
        Good("train", "pairs.lips", "--name", "parts", "--resume");
        Assert.Equal(whole, File.ReadAllBytes("runs/parts/model.safetensors"));
        Good("train", "pairs.lips", "recompute=blocks", "--name", "again");
        Assert.Equal(whole, File.ReadAllBytes("runs/again/model.safetensors"));
        Good("train", "pairs.lips", "loading=ahead", "--name", "ahead");
        Assert.Equal(whole, File.ReadAllBytes("runs/ahead/model.safetensors"));
        Assert.DoesNotContain("bfloat16", File.ReadAllText("runs/pairs/report.html"));
        Good("train", "pairs.lips", "precision=bfloat16", "--name", "narrow");
        Assert.NotEqual(whole, File.ReadAllBytes("runs/narrow/model.safetensors"));
        Assert.Contains("bfloat16, of float32 weights", File.ReadAllText("runs/narrow/report.html"));
        Good("verify", "runs/narrow");
    }

    [Fact]
    public void Masks_of_token_ids_train_and_are_certified()
    {
        File.WriteAllText("a.txt", string.Concat(System.Linq.Enumerable.Repeat("one\ntwo\nthree\nfour\n", 20)));
        Good("train", Write("masked.lips", """
            model Masked(width = 8) in rms {
              input text = tokens(256, 12)
              weights(bias: false, constraint: rms_cap(1))
              x = embedding(width, constraint: row_rms_cap(1))
              repeat 2 { residual(convex(1/2), layer_drop: 0.2) { attention(2, scale: 1/4, mask: document(10), tokens: text) } }
              logits = linear(256)
              claim lipschitz(x -> logits) <= 10
              recipe { data: text("a.txt"); objective: next_token; optimizer: adamw(lr: 0.01); steps: 4; batch: 4; seed: 1; recompute: blocks }
            }

            """));
        var verified = Good("verify", "runs/masked").Output;
        Assert.Contains("the certificate stands", verified);
        Assert.Contains("the same keys hidden by masks", File.ReadAllText("runs/masked/certificate.json"));
        File.WriteAllText("b.txt", string.Concat(System.Linq.Enumerable.Repeat("eins\nzwei\ndrei\nvier\n", 20)));
        Good("train", Write("padded.lips", Pairs.Replace("memory: memory)", "memory: memory, mask: padding(257), tokens: source)").Replace("residual { attention(2) }", "residual { attention(2, mask: padding(257), tokens: source) }")), "steps=2");
    }

    [Fact]
    public void A_speech_like_model_trains_with_ctc_and_every_reparametrization_is_certified()
    {
        Good("train", Write("speech.lips", Speech));
        Good("verify", "runs/speech");
        var failed = Run("train", "speech.lips", "objective=cross_entropy");
        Assert.Equal(5, failed.Code);
        Assert.Contains("belong together", failed.Errors);
    }

    [Fact]
    public void A_student_learns_from_its_teacher_and_from_itself()
    {
        Write("net.lips", Distilled);
        var lonely = Run("train", "net.lips");
        Assert.Equal(5, lonely.Code);
        Assert.Contains("runs/teacher/model.safetensors", lonely.Errors);
        // a parameter of the teacher alone is no fault of the student's, and its old count is no claim any more
        Good("train", "net.lips", "size=10", "--model", "Teacher", "--name", "teacher");
        Assert.DoesNotContain("910", File.ReadAllText("runs/teacher/spec.lips"));
        Good("train", "net.lips", "size=10", "--name", "student");
        Good("verify", "runs/student");
        // weights of another size are not the teacher's
        Assert.Contains("another spec", Run("train", "net.lips", "--name", "wrong").Errors);
        Assert.Contains("declares no model 'Nobody'", Run("train", "net.lips", "size=10", "objective=nkd(teacher: Nobody, weights: \"x\")", "--name", "wrong2").Errors);

        // images changed at random, the same for a run that was interrupted
        Good("train", "net.lips", "--model", "Teacher", "augment=[flip, shift(1)]", "--name", "moved");
        Good("train", "net.lips", "--model", "Teacher", "augment=[flip, shift(1)]", "--name", "moved-halves", "--stop-at", "1");
        Good("train", "net.lips", "--model", "Teacher", "augment=[flip, shift(1)]", "--name", "moved-halves", "--resume");
        Assert.Equal(File.ReadAllBytes("runs/moved/model.safetensors"), File.ReadAllBytes("runs/moved-halves/model.safetensors"));
        Good("train", "net.lips", "--model", "Teacher", "augment=[flip, shift(1)]", "loading=ahead", "--name", "moved-ahead");
        Assert.Equal(File.ReadAllBytes("runs/moved/model.safetensors"), File.ReadAllBytes("runs/moved-ahead/model.safetensors"));
        Good("train", "net.lips", "--model", "Teacher", "--name", "unmoved");
        Assert.NotEqual(File.ReadAllBytes("runs/moved/model.safetensors"), File.ReadAllBytes("runs/unmoved/model.safetensors"));

        string uskd = "objective=uskd(feature: body.hidden, mu: 0.1)";
        Good("train", "net.lips", uskd, "--name", "self");
        Good("train", "net.lips", uskd, "--name", "halves", "--stop-at", "2");
        Good("train", "net.lips", uskd, "--name", "halves", "--resume");
        Assert.Equal(File.ReadAllBytes("runs/self/model.safetensors"), File.ReadAllBytes("runs/halves/model.safetensors"));
        // a second model and a hook, under autocast
        Good("train", "net.lips", "size=10", "precision=bfloat16", "--name", "student-narrow");
        Good("train", "net.lips", uskd, "precision=bfloat16", "--name", "self-narrow");
        Assert.NotEqual(File.ReadAllBytes("runs/self/model.safetensors"), File.ReadAllBytes("runs/self-narrow/model.safetensors"));
        Assert.Contains("is no layer", Run("train", "net.lips", "objective=uskd(feature: body.hidden.x)", "--name", "wrong3").Errors);
    }

    [Fact]
    public void A_grid_trains_every_combination_and_ranks_it()
    {
        string spec = Write("grid.lips", """
            model Grid(keep = rms_cap(1)) in rms {
              input pixels = image(1, 8, 8, range: [0, 1])
              weights(bias: false, init: orthogonal, constraint: keep)
              flatten
              logits = linear(10)
              recipe { data: digits(60); objective: cross_entropy; optimizer: sgd(lr: 0.1); steps: 2; batch: 8; seed: 1 }
            }

            """);
        var outcome = Good("grid", spec, "keep=rms_cap(1, by: hard)|weight_decay(0.1)", "optimizer=sgd(lr: 0.1)|adamw(lr: 0.01)", "--name", "all");
        Assert.Contains("bound of the trained weights", outcome.Output);
        using var json = JsonDocument.Parse(File.ReadAllText("runs/all/grid.json"));
        var rows = json.RootElement.EnumerateArray().ToList();
        Assert.Equal(4, rows.Select(r => (r.GetProperty("keep").GetString(), r.GetProperty("optimizer").GetString())).Distinct().Count());
        Assert.Equal(rows.Select(r => r.GetProperty("accuracy").GetDouble()).OrderDescending(), rows.Select(r => r.GetProperty("accuracy").GetDouble()));
        Assert.All(rows, r => Assert.True(File.Exists(Path.Combine(r.GetProperty("run").GetString()!, "certificate.json"))));
        string svg = File.ReadAllText("runs/all/grid.svg");
        Assert.Equal(4 + 2, svg.Split("<circle").Length - 1);
        Assert.Contains("weight_decay(0.1), adamw(lr: 0.01)", svg);
        // one combination that is no spec is a row that failed, and the command says so
        var partly = Run("grid", spec, "keep=rms_cap(1)|nonsense(1)", "--name", "partly");
        Assert.Equal(5, partly.Code);
        Assert.Contains("failed", partly.Output);
        Assert.Equal(2, JsonDocument.Parse(File.ReadAllText("runs/partly/grid.json")).RootElement.GetArrayLength());
        // trained to its end by a method that has not kept the cap: an accuracy, and no bound, whether it is trained or read
        string[] over = ["grid", spec, "keep=rms_cap(1, by: hammer)", "optimizer=muon(lr: 0.4)", "--name", "over"];
        foreach (var hammered in new[] { Run(over), Run([.. over, "--resume"]) })
        {
            Assert.Equal(5, hammered.Code);
            Assert.Contains(" %  ", hammered.Output.Split('\n').Single(line => line.Contains("none: a cap is not kept", StringComparison.Ordinal)));
        }
    }

    private const string TwoLayers = """
        model Net(width = 8) in l2 {
          input pixels = image(1, 8, 8, range: [0, 1])
          flatten
          hidden = linear(width)
          logits = linear(10)
          recipe { data: digits(60); objective: cross_entropy; optimizer: sgd(lr: 0.1); steps: 8; batch: 8 }
        }

        """;

    [Fact]
    public void A_grid_of_two_specs_pools_seeds_draws_curves_marks_what_diverges_and_goes_on_where_it_stopped()
    {
        Write("a.lips", TwoLayers);
        Write("b.lips", TwoLayers.Replace("hidden = linear(width)", "linear(width); linear(width)", StringComparison.Ordinal));
        string[] grid = ["grid", "a.lips", "b.lips", "optimizer.lr=0.1|1e6", "b:width=6", "width=7", "--seeds", "2", "--curves", "loss,accuracy", "--name", "two", "--figure", "figure.svg"];
        var outcome = Run(grid);
        Assert.Equal(5, outcome.Code);
        var rows = JsonDocument.Parse(File.ReadAllText("runs/two/grid.json")).RootElement.EnumerateArray().ToList();
        Assert.Equal(8, rows.Select(r => (r.GetProperty("spec").GetString(), r.GetProperty("optimizer.lr").GetString(), r.GetProperty("seed").GetString())).Distinct().Count());
        Assert.All(rows, r => Assert.Equal(r.GetProperty("optimizer.lr").GetString() == "1e6", r.TryGetProperty("failure", out _)));
        // a spec's own value is its own
        Assert.Contains("width = 7", File.ReadAllText("runs/two/01/spec.lips"));
        Assert.All(rows.Where(r => r.GetProperty("spec").GetString() == "b"), r => Assert.Contains("width = 6", File.ReadAllText(r.GetProperty("run").GetString() + "/spec.lips")));
        // the first four combinations have the first seed
        Assert.Equal(["01", "02", "03", "04"], rows.Where(r => r.GetProperty("seed").GetString() == "0").Select(r => Path.GetFileName(r.GetProperty("run").GetString()!)).Order());

        string table = File.ReadAllText("runs/two/grid.md");
        Assert.Equal(2 + 4, table.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal(2, table.Split("2 of 2 failed").Length - 1);
        double mean = 100 * rows.Where(r => r.GetProperty("spec").GetString() == "a" && r.GetProperty("accuracy").ValueKind == JsonValueKind.Number).Average(r => r.GetProperty("accuracy").GetDouble());
        Assert.Contains($"| a | 0.1 | {mean.ToString("F2", System.Globalization.CultureInfo.InvariantCulture)} % |", table);

        // two rows of two panels: a band and a line for each spec, but no accuracy where nothing was validated; a cross for each run that diverged after its first step
        string svg = File.ReadAllText("figure.svg");
        Assert.Equal(svg, File.ReadAllText("runs/two/curves.svg"));
        var names = System.Xml.Linq.XDocument.Parse(svg).Descendants().Select(e => e.Name.LocalName).ToList();
        Assert.Equal(4, names.Count(n => n == "clipPath"));
        Assert.Equal(4 + 2, names.Count(n => n == "polyline"));
        Assert.Equal(4, names.Count(n => n == "path"));
        Assert.Contains("optimizer.lr = 1e6", svg);

        // nothing is trained twice: only the run whose certificate is gone
        string before = File.ReadAllText("runs/two/grid.json");
        byte[] model = File.ReadAllBytes("runs/two/03/model.safetensors");
        Assert.True(File.Exists("runs/two/03/certificate.json"));
        File.Delete("runs/two/03/certificate.json");
        File.Delete("runs/two/03/checkpoint.safetensors");
        var again = Run([.. grid, "--resume"]);
        Assert.Equal(5, again.Code);
        Assert.Equal(1, again.Output.Split("training runs").Length - 1);
        Assert.Equal(before, File.ReadAllText("runs/two/grid.json"));
        Assert.Equal(model, File.ReadAllBytes("runs/two/03/model.safetensors"));
        // other values are another run
        Assert.Equal(2, Good("grid", "a.lips", "steps=1", "--seeds", "2", "--name", "two", "--resume").Output.Split("training runs").Length - 1);
    }

    [Fact]
    public void A_grid_says_what_is_wrong_with_its_arguments()
    {
        Write("a.lips", TwoLayers);
        Directory.CreateDirectory("b");
        Write("b/a.lips", TwoLayers);
        void Refused(string says, params string[] arguments)
        {
            var outcome = Run(arguments);
            Assert.NotEqual(0, outcome.Code);
            Assert.Contains(says, outcome.Output + outcome.Errors);
        }
        Refused("grid needs a spec", "grid", "width=4");
        Refused("'c:width=4' names no spec of this grid; they are a, b/a", "grid", "a.lips", "b/a.lips", "c:width=4");
        Refused("'a.lips' is named twice", "grid", "a.lips", "a.lips");
        Refused("by --seeds and by seed=", "grid", "a.lips", "seed=1|2", "--seeds", "2");
        Refused("--curves must be a list of loss, validation, accuracy, entropy", "grid", "a.lips", "--curves", "loss,beauty");
        Refused("--seeds must be a whole number of at least 1", "grid", "a.lips", "--seeds", "0");
        Assert.False(Directory.Exists("runs"));
    }
}
