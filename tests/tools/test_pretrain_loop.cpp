// The training loop on a table of ops that counts allocations and fails at chosen steps.
#include <catch2/catch.hpp>

#include <algorithm>

#include "engine/checkpoint/checkpoint.h"
#include "tests/data/temporary_folder.h"
#include "tokenizer/train_characters.h"
#include "tools/train/loop.h"

using namespace gradus;

namespace {

int allocations = 0;
int forwards = 0;                                 // of the model in training, one per step
int fails_in_forward = -1, fails_in_update = -1;  // the step that throws there
bool fails_in_samples = false;

void fail_if(bool now) {
    if (now) throw Error("the device is gone", "planted", "none");
}

const Ops& watched_ops() {
    static const Ops table = [] {
        Ops ops = cpu_ops();
        ops.allocate = [](size_t bytes) {
            ++allocations;
            return cpu_ops().allocate(bytes);
        };
        ops.allocate_host = [](size_t bytes) {
            ++allocations;
            return cpu_ops().allocate_host(bytes);
        };
        ops.embedding_forward = [](const EmbeddingForward& a, Stream s) {
            fail_if(++forwards == fails_in_forward);
            cpu_ops().embedding_forward(a, s);
        };
        ops.adamw = [](const AdamW& a, Stream s) {
            cpu_ops().adamw(a, s);  // the weights have changed, at least in part
            fail_if(forwards == fails_in_update);
        };
        ops.attention_cached = [](const AttentionCached& a, Stream s) {
            fail_if(fails_in_samples);
            cpu_ops().attention_cached(a, s);
        };
        return ops;
    }();
    return table;
}

// A folder with text and its tokenizer, and a run on it that is ready for its first step.
class PreparedRun {
public:
    explicit PreparedRun(const std::vector<std::string>& assignments = {}) {
        std::string text;
        for (int i = 0; i < 400; ++i) text += "the cat sees a dog " + std::to_string(i * i) + "\n";
        bool read = false;
        const Tokenizer tokenizer = train_characters([&](std::string& out) {
            out = text;
            return !std::exchange(read, true);
        });
        tokenizer.save(folder / "tokenizer.json");
        ShardMeta meta;
        meta.tokenizer = "tokenizer.json";
        meta.tokenizer_xxh64 = file_xxh64(folder / "tokenizer.json");
        meta.vocab_size = tokenizer.vocab_size();
        meta.end_of_text = tokenizer.end_of_text();
        std::vector<int32_t> ids;
        tokenizer.encode_append(text, ids);
        for (const char* part : {"train", "val"}) {
            ShardWriter writer(folder / part, meta);
            writer.add(ids, int64_t(text.size()));
            writer.commit();
        }
        make_folder(folder / "run");
        const std::string recipe =
            "[data]\ndir = '" + fs::path(folder).string() + "'\n[run]\ndir = '" + (folder / "run").string() +
            "'\n[model]\nlayers = 1\nwidth = 16\nheads = 2\n[train]\ncontext = 16\nbatch = 4\nmicro_batch = 4\n"
            "steps = 12\n[validation]\nevery = 4\nwindows = 8\n[sample]\nevery = 3\n"
            "prompts = ['the cat', 'a']\ntokens = 5\n[checkpoint]\nevery = 5\n";
        Config config;
        apply_settings(config, parse_settings(recipe, "recipe"));
        for (const std::string& a : assignments) apply_settings(config, {parse_assignment(a)});
        data.emplace(open_data(config));
        resolved = resolve(config, data->facts, {});
        batches.emplace(*data, resolved);
        forwards = 0;
        fails_in_forward = fails_in_update = -1;
        fails_in_samples = false;
        run = start_run(resolved, data->facts, {}, {}, watched_ops());
    }

    // Empty, or the error that ended the run.
    std::string train() {
        TextLoop loop(resolved, *data, *batches, sample_prompts(resolved, *data), std::move(run));
        allocations = 0;
        try {
            loop.run();
        } catch (const Error& e) { return e.what(); }
        return "";
    }
    int64_t saved_step() const {
        const LatestCheckpoint latest = latest_checkpoint(folder / "run", VerifyLevel::all);
        return latest.folder ? read_manifest(*latest.folder).state.step : 0;
    }
    int64_t lines(const char* log) const {
        const std::string text = read_file(folder / "run" / log);
        return std::count(text.begin(), text.end(), '\n');
    }

    const TemporaryFolder folder;
    std::optional<RunData> data;
    Resolved resolved;
    std::optional<RunBatches> batches;
    TrainingRun run;
};

}  // namespace

TEST_CASE("a run allocates nothing between its first step and its end, with validation, samples and checkpoints") {
    silence_output();
    for (const char* background : {"checkpoint.background=true", "checkpoint.background=false"}) {
        PreparedRun run({background});
        REQUIRE(run.train() == "");
        REQUIRE(allocations == 0);
        REQUIRE(run.lines("log.jsonl") == 12);
        REQUIRE(run.lines("samples.jsonl") == 8);
        REQUIRE(run.saved_step() == 12);
    }
}

TEST_CASE("a step that fails before its update loses none of the earlier steps") {
    silence_output();
    for (const char* background : {"checkpoint.background=true", "checkpoint.background=false"}) {
        PreparedRun run({background, "sample.every=0", "validation.every=0"});
        fails_in_forward = 8;
        REQUIRE(run.train() == "the device is gone");
        REQUIRE(run.saved_step() == 7);
        REQUIRE(run.lines("log.jsonl") == 7);
    }
}

TEST_CASE("a step that fails while it updates the weights is not saved") {
    silence_output();
    PreparedRun run({"sample.every=0", "validation.every=0"});
    fails_in_update = 8;
    REQUIRE(run.train() == "the device is gone");
    REQUIRE(run.saved_step() == 5);
}

TEST_CASE("a failing sample or validation loses no step") {
    silence_output();
    PreparedRun sampled;
    fails_in_samples = true;
    REQUIRE(sampled.train() == "the device is gone");
    REQUIRE(sampled.saved_step() == 3);
    REQUIRE(sampled.lines("log.jsonl") == 3);
    PreparedRun validated({"sample.every=0"});
    fails_in_forward = 5;  // the first one after four steps
    REQUIRE(validated.train() == "the device is gone");
    REQUIRE(validated.saved_step() == 4);
    REQUIRE(validated.lines("log.jsonl") == 4);
}
