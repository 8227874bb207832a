// Settings: errors, and what is derived from them.
#include <catch2/catch.hpp>

#include <algorithm>

#include "engine/resolve.h"

using namespace gradus;

namespace {

const DataFacts data = {.vocab = 65, .end_of_text = -1, .identity = "0123456789abcdef"};

Config config_of(const std::string& toml, const std::vector<std::string>& assignments = {}) {
    Config config;
    apply_settings(config, parse_settings(toml, "r.toml"));
    for (const std::string& a : assignments) apply_settings(config, {parse_assignment(a)});
    return config;
}

const std::string small =
    "[run]\ndir = 'runs/x'\n[data]\ndir = 'd'\n[model]\nlayers = 2\nwidth = 32\nheads = 4\n[train]\ncontext = 16\n";

Resolved resolved(const std::vector<std::string>& assignments, const std::string& toml = small,
                  const std::optional<ModelConfig>& base = {}) {
    return resolve(config_of(toml, assignments), data, base);
}

template <class Body>
Error error_of(Body&& body) {
    try {
        body();
    } catch (const Error& e) { return e; }
    return Error("nothing was refused", "", "");
}

}  // namespace

TEST_CASE("A wrong setting is refused with its location and what to type instead") {
    struct Case {
        const char* toml;
        const char* what;
        const char* cause;
        const char* fix;
    };
    const Case cases[] = {
        {"[train]\nmicrobatch = 4\n", "unknown setting 'train.microbatch'", "r.toml:2:1",
         "did you mean 'train.micro_batch'?"},
        {"[optimiser]\nlr = 1\n", "unknown setting 'optimiser.lr'", "r.toml:2:1", "did you mean 'optimizer.lr'?"},
        {"lr = 1\n", "unknown setting 'lr'", "r.toml:1:1", "did you mean 'optimizer.lr'?"},
        {"colour = 1\n", "unknown setting 'colour'", "r.toml:1:1", "--help-settings"},
        {"[train]\n  batch = 'eight'\n", "train.batch = \"eight\" is not a whole number", "r.toml:2:3",
         "write train.batch = 8, or another whole number between 1 and 1048576"},
        {"[train]\nbatch = 1.5\n", "train.batch = 1.5 is not a whole number", "r.toml:2:1", "train.batch = "},
        {"[train]\nrecompute = 1\n", "is not true or false", "r.toml:2:1", "true"},
        {"[optimizer]\nlr = true\n", "is not a number", "r.toml:2:1",
         "optimizer.lr = 0.0003, or another number between 0 and 100"},
        {"[run]\ndir = 5\n", "is not a string", "r.toml:2:1", "write run.dir = \"5\""},
        {"[sample]\nprompts = 5\n", "is not a list of strings", "r.toml:2:1", "[\"5\"]"},
        {"[train]\nbatch = 0\n", "train.batch = 0 is out of range", "r.toml:2:1", "between 1 and 1048576"},
        {"[train]\ndropout = 1.5\n", "out of range", "r.toml:2:1", "between 0 and 0.99"},
        {"[optimizer]\nlr = nan\n", "out of range", "r.toml:2:1", "between 0 and 100"},
        {"[optimizer]\neps = 0\n", "out of range", "r.toml:2:1", "between 1e-20 and 1"},
        {"[train]\ndtype = 'bf61'\n", "train.dtype cannot be 'bf61'", "r.toml:2:1", "did you mean 'bf16'?"},
        {"[train]\ndevice = 'tpu9000'\n", "train.device cannot be 'tpu9000'", "r.toml:2:1", "one of cpu, cuda"},
        {"[train]\nbatch = 8\nbatch = 9\n", "batch", "r.toml:3", "correct that line"},
        {"[train]\nsteps = 99999999999999999999\n", "not a recipe", "r.toml:2", ""},
    };
    for (const Case& c : cases) {
        const Error e = error_of([&] { config_of(c.toml); });
        INFO(c.toml << e.text());
        REQUIRE(std::string(e.what()).find(c.what) != std::string::npos);
        REQUIRE(e.cause.find(c.cause) != std::string::npos);
        REQUIRE(e.fix.find(c.fix) != std::string::npos);
    }
}

TEST_CASE("A wrong setting on the command line is quoted as typed") {
    const Error e = error_of([] { config_of("", {"train.microbatch=4"}); });
    REQUIRE(e.cause == "--set train.microbatch=4");
    REQUIRE(e.fix.find("train.micro_batch") != std::string::npos);
}

TEST_CASE("The command line overrides the file, and the last value wins") {
    const Config c = config_of("[train]\nbatch = 8\n", {"train.batch=16", "train.batch=24", "run.dir=124",
                                                        "sample.prompts=ROMEO:", "train.steps=1e4"});
    REQUIRE(c.train.batch == 24);
    REQUIRE(c.run.dir == "124");
    REQUIRE(c.sample.prompts == std::vector<std::string>{"ROMEO:"});
    REQUIRE(c.train.steps == 10000);
    REQUIRE(c.written_at.at("train.batch") == "--set train.batch=24");
}

TEST_CASE("The echo of the settings reads back as the same settings") {
    const Resolved r = resolved({"optimizer.lr=0.00012345678901234", "sample.prompts=[\"a\\n\\\"b\\\"\", \"é\"]",
                                 "run.dir=a b\\c", "loss.z_loss=1e-4", "train.recompute=true"});
    const std::string text = recipe_text(r.config);
    const Config back = config_of(text);
    REQUIRE(recipe_text(back) == text);
    REQUIRE(back.optimizer.lr == 0.00012345678901234);
    REQUIRE(back.sample.prompts == r.config.sample.prompts);
    const Resolved again = resolve(back, data, std::nullopt);
    REQUIRE(recipe_text(again.config) == text);  // all values are resolved
    REQUIRE(again.identity == r.identity);
    REQUIRE(again.model == r.model);
}

TEST_CASE("Settings that are not complete read back as the same settings too") {
    const std::string text = recipe_text(Config{});
    REQUIRE(recipe_text(config_of(text)) == text);
}

TEST_CASE("The help names every setting with its default and its limits") {
    const std::string help = settings_help<Config>();
    Config config;
    for (const DeclaredSetting& s : declared(config)) {
        REQUIRE(help.find("  " + s.key + " = ") != std::string::npos);
        REQUIRE(help.find(s.help) != std::string::npos);
    }
    REQUIRE(help.find("one of f32, bf16") != std::string::npos);
}

TEST_CASE("Missing sizes are derived from the given ones") {
    const Resolved gpt2 = resolved({});
    REQUIRE(gpt2.model.family == "gpt2");
    REQUIRE(gpt2.model.D == 8);
    REQUIRE(gpt2.model.G == 4);
    REQUIRE(gpt2.model.F == 128);
    REQUIRE(gpt2.model.V == 65);
    REQUIRE(gpt2.model.context == 16);
    REQUIRE(gpt2.model.tied);
    REQUIRE(gpt2.tokens_per_step == 8 * 16);
    REQUIRE(gpt2.shape.T == 16);
    REQUIRE(gpt2.mode.training);

    const Resolved llama =
        resolved({"model.family=llama", "model.kv_heads=2", "model.rope_theta=500000", "model.width=96"});
    REQUIRE(llama.model.norm.kind == Norm::rms);
    REQUIRE(llama.model.gated);
    REQUIRE_FALSE(llama.model.tied);
    REQUIRE(llama.model.G == 2);
    REQUIRE(llama.model.D == 24);
    REQUIRE(llama.model.F == 256);
    REQUIRE(llama.model.rope.theta == 500000);
}

TEST_CASE("A GPT-2 computes GELU with tanh unless it is asked to be exact") {
    REQUIRE(resolved({}).model.activation == Activation::gelu_tanh);
    REQUIRE(resolved({"model.activation=gelu_tanh"}).model == resolved({}).model);
    REQUIRE(resolved({"model.activation=gelu_erf"}).model.activation == Activation::gelu_erf);
    REQUIRE(resolved({"model.family=llama"}).model.activation == Activation::silu);
    REQUIRE(error_of([] { resolved({"model.activation=gelu"}); }).text().find("gelu_tanh") != std::string::npos);
}

TEST_CASE("A named shape gives the sizes, the data its vocabulary, and keys change parts of it") {
    const std::string toml = "[run]\ndir = 'x'\n[data]\ndir = 'd'\n[model]\nname = 'gpt2-124m'\n";
    const Resolved plain = resolved({}, toml);
    ModelConfig expected = named_model("gpt2-124m");
    expected.V = 65;
    expected.end_of_text = -1;
    REQUIRE(plain.model == expected);
    REQUIRE(plain.config.train.context == 1024);
    const Resolved padded = resolved({"model.vocab=128", "model.layers=3", "train.context=64"}, toml);
    REQUIRE(padded.model.V == 128);
    REQUIRE(padded.model.L == 3);
    REQUIRE(padded.model.context == 1024);
    REQUIRE(padded.trainer.context == 64);
    const Resolved wide = resolved({"model.width=128", "model.heads=2"}, toml);
    REQUIRE(wide.model.D == 64);
    REQUIRE(wide.model.F == 512);
    REQUIRE(wide.model.G == 2);
}

TEST_CASE("Rotary positions extend to the length of a sequence") {
    const ModelConfig short_one = resolved({"model.family=llama", "train.context=8"}).model;
    const std::string toml = "[run]\ndir = 'x'\n[data]\ndir = 'd'\n[model]\nfrom = 'there'\n";
    const Resolved r = resolved({"train.context=32"}, toml, short_one);
    REQUIRE(r.model.context == 32);
    REQUIRE(r.notes.size() == 1);
    REQUIRE(r.notes[0].find("model.context is 32") == 0);
    REQUIRE(resolved({}, toml, short_one).notes.empty());
}

TEST_CASE("Contradicting settings are refused by name") {
    struct Case {
        std::vector<std::string> set;
        const char* what;
        const char* key;
    };
    const Case cases[] = {
        {{"run.dir="}, "no folder", "run.dir"},
        {{"data.dir="}, "no data", "data.dir"},
        {{"data.train=x"}, "two sources", "data.train"},
        {{"model.name=gpt2-124m", "model.from=there"}, "two sources", "model.from"},
        {{"model.layers=0"}, "no size", "model.layers"},
        {{"train.batch=12", "train.micro_batch=5"},
         "does not divide",
         "train.micro_batch = 5 (--set train.micro_batch=5)"},
        {{"train.batch=4", "train.micro_batch=8"}, "does not divide", "train.micro_batch"},
        {{"train.context=32", "model.context=16"}, "learned positions", "model.context"},
        {{"model.family=llama", "train.context=32", "model.context=16"}, "16 positions", "model.context = 16"},
        {{"model.family=llama", "model.width=100", "model.heads=6"},
         "6 heads do not divide the width 100",
         "model.heads"},
        {{"model.rope_theta=500000"}, "no rotary frequencies", "model.rope_theta"},
        {{"train.steps=50", "train.minutes=5"}, "given twice", "train.steps = 50"},
        {{"train.context=0"}, "length of a sequence", "train.context"},
        {{"model.vocab=64"}, "too small for the data's 65 ids", "model.vocab"},
        {{"optimizer.lr=1e-4", "optimizer.min_lr=1e-3"}, "above the highest", "optimizer.min_lr = 0.001"},
        {{"optimizer.warmup=2000"}, "longer than the run", "optimizer.warmup"},
        {{"optimizer.warmup=1.5"}, "neither a number of steps", "optimizer.warmup"},
        {{"optimizer.schedule=wsd"}, "no cool-down", "optimizer.cooldown"},
        {{"optimizer.cooldown=0.2"}, "only the schedule wsd", "optimizer.cooldown"},
        {{"optimizer.schedule=wsd", "optimizer.cooldown=900", "optimizer.warmup=200"},
         "longer than the run",
         "train.steps"},
        {{"optimizer.stochastic_rounding=true"}, "f32 weights", "train.dtype"},
        {{"sample.every=10"}, "nothing to sample", "sample.prompts"},
        {{"model.heads=5"}, "do not divide", "model"},
        {{"model.family=llama", "model.kv_heads=3"}, "do not divide", "model"},
        {{"model.kv_heads=2"}, "instead of the 4 heads of a GPT-2", "model"},
        {{"optimizer.stochastic_rounding=true", "optimizer.kind=muon", "train.dtype=bf16"},
         "rounded to the nearest",
         "optimizer.kind"},
        {{"model.family=llama", "model.head_width=7"}, "odd", "model"},
        {{"model.head_width=5"}, "heads of width 5 do not make up the width", "width / heads"},
        {{"train.batch=1048576", "train.micro_batch=1048576", "train.context=1000000"}, "overflows", "train.context"},
        {{"model.name=gpt2-124m", "model.family=llama"}, "of the family gpt2", "model.family"},
        {{"model.family=llama", "model.activation=gelu_erf"}, "llama does not support", "model.activation"},
        {{"model.activation=silu"}, "gpt2 does not support", "model.activation"},
        {{"model.name=gpt2-125m"}, "no model named", "gpt2-124m"},
    };
    for (const Case& c : cases) {
        const Error e = error_of([&] { resolved(c.set); });
        INFO(c.set.back() << "\n" << e.text());
        REQUIRE(std::string(e.what()).find(c.what) != std::string::npos);
        REQUIRE(e.cause.find(c.key) != std::string::npos);
        REQUIRE(!e.fix.empty());
    }
}

TEST_CASE("A model that starts from weights keeps their shape") {
    const ModelConfig there = resolved({}).model;
    const std::string toml = "[run]\ndir = 'x'\n[data]\ndir = 'd'\n[model]\nfrom = 'there'\n";
    REQUIRE(resolved({}, toml, there).model == there);
    REQUIRE(resolved({"model.layers=2"}, toml, there).model == there);
    for (const char* other :
         {"model.layers=3", "model.width=64", "model.feed_forward=64", "model.vocab=70", "model.norm_eps=1e-6",
          "model.tied=false", "model.family=llama", "model.context=32", "model.activation=gelu_erf"}) {
        INFO(other);
        REQUIRE_THROWS_AS(resolved({other}, toml, there), Error);
    }
    ModelConfig exact = there;
    exact.activation = Activation::gelu_erf;
    REQUIRE(resolved({}, toml, exact).model == exact);
    ModelConfig small_vocabulary = there;
    small_vocabulary.V = 64;
    REQUIRE_THROWS_AS(resolved({}, toml, small_vocabulary), Error);
}

TEST_CASE("The micro-batch that is chosen divides the batch and fits the memory") {
    const Resolved all = resolved({"train.batch=12"});
    REQUIRE(all.trainer.micro_batch == 12);
    const std::string large = "[run]\ndir = 'x'\n[data]\ndir = 'd'\n[model]\nname = 'gpt2-124m'\n[train]\nbatch = 48\n";
    const Resolved some = resolved({"train.memory=4"}, large);
    REQUIRE(48 % some.trainer.micro_batch == 0);
    REQUIRE(some.trainer.micro_batch > 1);
    REQUIRE(some.trainer.micro_batch < 48);
    REQUIRE(resolved({"train.memory=0.001"}, large).trainer.micro_batch == 1);
    REQUIRE(resolved({"train.memory=4", "train.recompute=true"}, large).trainer.micro_batch > some.trainer.micro_batch);
}

TEST_CASE("Durations below 1 are shares of the steps") {
    const Schedule s =
        resolved({"train.steps=500", "optimizer.schedule=wsd", "optimizer.warmup=0.02", "optimizer.cooldown=0.2"})
            .trainer.schedule;
    REQUIRE(s.warmup == 10);
    REQUIRE(s.cooldown == 100);
    REQUIRE(s.decay == Decay::wsd);
}

TEST_CASE("A mistyped model name is refused with the nearest one") {
    const Error e = error_of([] { named_model("gpt2-125m"); });
    REQUIRE(e.fix == "did you mean 'gpt2-124m'?");
    REQUIRE(error_of([] { named_model("gpt2-xl"); }).fix == "did you mean 'gpt2-1558m'?");
    REQUIRE(error_of([] { named_model("colossus"); }).fix == "use one of them");
}

TEST_CASE("Names of settings and choices in other programs get a suggestion of the name here") {
    for (const auto& [key, name] : {std::pair{"optimizer.learning_rate", "optimizer.lr"},
                                    {"learning_rate", "optimizer.lr"},
                                    {"train.lr", "optimizer.lr"},
                                    {"optimizer.weight-decay", "optimizer.weight_decay"},
                                    {"train.batch_size", "train.batch"},
                                    {"n_layer", "model.layers"},
                                    {"train.max_steps", "train.steps"},
                                    {"model.hidden_size", "model.width"},
                                    {"train.seq_len", "train.context"},
                                    {"grad_clip", "optimizer.clip"}}) {
        INFO(key);
        REQUIRE(setting_meant<Config>(key) == name);
        REQUIRE(error_of([&] { config_of("", {std::string(key) + "=1"}); }).fix.find(name) != std::string::npos);
    }
    for (const char* unknown : {"colour", "", "train.", ".", "x.y.z"}) {
        INFO(unknown);
        REQUIRE(setting_meant<Config>(unknown) == "");
    }
    for (const auto& [written, near] : {std::pair{"train.device=gpu", "'cuda'"},
                                        {"train.device=GPU", "'cuda'"},
                                        {"train.dtype=float32", "'f32'"},
                                        {"train.dtype=bfloat16", "'bf16'"},
                                        {"optimizer.kind=adam", "'adamw'"},
                                        {"optimizer.schedule=cos", "'cosine'"},
                                        {"model.activation=gelu", "'gelu_tanh'"}}) {
        INFO(written);
        REQUIRE(error_of([&, w = written] { config_of("", {w}); }).fix.find(std::string("did you mean ") + near) == 0);
    }
}

TEST_CASE("Every synonym of a setting names one that exists") {
    for (const std::string& name : setting_names<Config>()) REQUIRE(setting_meant<Config>(name) == name);
    for (const char* word : {"precision", "zero_stage", "save_every", "eval_iters", "tie_weights", "scheduler"}) {
        const std::vector<std::string> names = setting_names<Config>();
        REQUIRE(std::count(names.begin(), names.end(), setting_meant<Config>(word)) == 1);
    }
}

TEST_CASE("Settings that have no effect or another effect than written are noted") {
    struct Case {
        std::vector<std::string> set;
        const char* note;
    };
    const std::string named = "[run]\ndir = 'x'\n[data]\ndir = 'd'\n[model]\nname = 'llama-1b'\n";
    for (const Case& c : {Case{{"optimizer.warmup=0.0001"}, "optimizer.warmup = 0.0001 of 1000 steps"},
                          {{"optimizer.schedule=constant", "optimizer.min_lr=1e-5"}, "optimizer.min_lr = 1e-05"},
                          {{"optimizer.momentum=0.8"}, "it is for Muon only"},
                          {{"train.gpu=1"}, "train.device is cpu"},
                          {{"train.matmul=own"}, "train.device is cpu"},
                          {{"train.attention=cudnn"}, "train.device is cpu"},
                          {{"train.tf32=true"}, "train.device is cpu"},
                          {{"train.device=simt", "train.dtype=bf16", "train.tf32=true"}, "train.dtype is bf16"},
                          {{"train.micro_batch=1", "train.memory=3"}, "train.micro_batch is given"},
                          {{"sample.prompts=the"}, "sample.every is 0"},
                          {{"model.context=64"}, "to model.context = 64 untrained"},
                          {{"train.memory=1e-9"}, "more than train.memory = 1e-09"}}) {
        INFO(c.set.back());
        const Resolved r = resolved(c.set);
        REQUIRE(r.notes.size() == 1);
        REQUIRE(r.notes[0].find(c.note) != std::string::npos);
    }
    REQUIRE(resolved({}).notes.empty());
    const Resolved narrow = resolved({"model.heads=16", "train.context=16"}, named);
    REQUIRE(narrow.model.G == 16);
    REQUIRE(narrow.notes.size() == 2);  // key/value heads and the width of a head
    const Resolved ranks = resolve(config_of(small, {"train.micro_batch=3"}), data, {}, 2);
    REQUIRE(ranks.trainer.micro_batch == 2);
    REQUIRE(ranks.notes.size() == 1);
}

TEST_CASE("Values that depend on the machine are not saved as settings") {
    const std::string text = recipe_text(resolved({}).config);
    REQUIRE(text.find("memory = 0.0\n") != std::string::npos);
    REQUIRE(text.find("micro_batch = 0\n") != std::string::npos);
}
