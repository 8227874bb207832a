// Checkpoints under faults: kills, full disks, damaged files, another model. No complete checkpoint is lost, and no
// incomplete one is loaded.
#include <catch2/catch.hpp>

#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <random>

#include "engine/checkpoint/optimizer_state.h"
#include "engine/checkpoint/safetensors.h"
#include "tests/engine/checkpoint_testing.h"

using namespace gradus;
using namespace gradus::testing;

namespace {

constexpr uint64_t of_step = 1000;  // the seed of a step's values is of_step + step

fs::path save_step(const fs::path& run, Trained& t, int64_t step, const Keep& keep = {},
                   const SaveOptions& options = {}) {
    t.fill(of_step + uint64_t(step));
    TrainingState state = state_at(run, step, keep);
    state.compatible = "batch = 8\nseed = 1\n";
    return save_checkpoint(run, *t.model, t.optimizer, state, options);
}

// Loads the newest checkpoint and requires it to be exactly what was saved at its step; returns that step.
int64_t require_latest_is_whole(const fs::path& run, const ModelConfig& m, DType dtype) {
    const LatestCheckpoint latest = latest_checkpoint(run);
    REQUIRE(latest.folder);
    Trained loaded(m, dtype), expected(m, dtype);
    const int64_t step = load_checkpoint(*latest.folder, *loaded.model, loaded.optimizer).step;
    expected.fill(of_step + uint64_t(step));
    REQUIRE(loaded.bits() == expected.bits());
    return step;
}

void overwrite(const fs::path& path, const std::string& content) {
    std::FILE* file = std::fopen(path.c_str(), "wb");
    REQUIRE(file);
    REQUIRE(std::fwrite(content.data(), 1, content.size(), file) == content.size());
    REQUIRE(std::fclose(file) == 0);
}

}  // namespace

TEST_CASE("a kill at any moment of a save leaves the newest complete checkpoint loadable bit for bit") {
    const TemporaryFolder run;
    const ModelConfig m = tiny_llama();
    {
        Trained first(m, DType::bf16);
        save_step(run.path(), first, 1);
    }
    std::mt19937 random(4);
    int64_t step = 1;
    for (int kill = 0; kill < 20; ++kill) {
        int saved[2];
        REQUIRE(::pipe(saved) == 0);
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            Trained t(m, DType::bf16);
            for (int64_t next = step + 1;; ++next) {
                save_step(run.path(), t, next, {.last = 2});
                if (::write(saved[1], "s", 1) != 1) ::_exit(1);
            }
        }
        char one;  // the child is killed after its first save, during a later one
        ::close(saved[1]);
        REQUIRE(::read(saved[0], &one, 1) == 1);
        ::usleep(useconds_t(random() % 60000));
        REQUIRE(::kill(child, SIGKILL) == 0);
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        REQUIRE(WIFSIGNALED(status));
        ::close(saved[0]);

        const int64_t found = require_latest_is_whole(run.path(), m, DType::bf16);
        REQUIRE(found > step);
        REQUIRE(latest_checkpoint(run.path()).notes.empty());
        REQUIRE(fs::exists(run / "checkpoints" / "latest" / "config.json"));
        step = found;
    }
    remove_leftovers(run.path());
    for (const std::string& name : names_in(run / "checkpoints")) REQUIRE(name[0] != '.');
    REQUIRE(step > 1);
}

TEST_CASE(
    "a disk that fills up at any file leaves the previous checkpoint and no incomplete one, and an Error reports it") {
    const TemporaryFolder run;
    const ModelConfig m = tiny_gpt2();
    Trained t(m, DType::f32);
    const fs::path first = save_step(run.path(), t, 1);
    const auto config = fs::file_size(first / "config.json"), model = fs::file_size(first / "model.safetensors"),
               optimizer = fs::file_size(first / optimizer_name);
    REQUIRE(config < model);
    REQUIRE(model < optimizer);
    for (rlim_t limit :
         {rlim_t(0), rlim_t(100), rlim_t(config), rlim_t(model - 1), rlim_t(model), rlim_t(optimizer - 1)}) {
        std::string text;
        {
            const FileSizeLimit full(limit);
            text = refusal([&] { save_step(run.path(), t, 2); });
        }
        INFO("files of at most " << limit << " bytes\n" << text);
        REQUIRE(says(text, "cannot write"));
        REQUIRE(says(text, "ulimit -f unlimited"));
        REQUIRE(says(text, "the checkpoint of step 2 was not saved, and '" + first.string() + "' is intact"));
        REQUIRE(names_in(run / "checkpoints") == std::vector<std::string>{"latest", "step-00000001"});
        REQUIRE(require_latest_is_whole(run.path(), m, DType::f32) == 1);
    }
    save_step(run.path(), t, 2);
    REQUIRE(require_latest_is_whole(run.path(), m, DType::f32) == 2);
}

TEST_CASE("a small disk that fills up keeps its checkpoints, and accepts new ones when there is space") {
    const TemporaryFolder mount;
    if (::mount("tmpfs", mount.path().c_str(), "tmpfs", 0, "size=128k") != 0) {
        WARN("this user cannot mount a small disk: skipped");
        return;
    }
    struct Unmount {
        const fs::path& path;
        ~Unmount() { ::umount2(path.c_str(), MNT_DETACH); }
    } const at_the_end{mount.path()};
    const ModelConfig m = tiny_gpt2();
    Trained t(m, DType::f32);
    int64_t step = 0;
    std::string text;
    while (text.empty() && step < 100) text = refusal([&] { save_step(mount.path(), t, ++step, {.last = 100}); });
    INFO(text);
    REQUIRE(step > 1);
    REQUIRE(says(text, "No space left on device; 0 MiB are free on that disk"));
    REQUIRE(says(text, "df -h"));
    REQUIRE(says(text, "is intact"));
    REQUIRE(require_latest_is_whole(mount.path(), m, DType::f32) == step - 1);
    for (const std::string& name : names_in(mount / "checkpoints")) REQUIRE(name[0] != '.');
    fs::remove_all(mount / "checkpoints" / "step-00000001");
    save_step(mount.path(), t, step);
    REQUIRE(require_latest_is_whole(mount.path(), m, DType::f32) == step);
}

TEST_CASE("a run folder that cannot be created is refused by name") {
    const TemporaryFolder folder;
    overwrite(folder / "file", "x");
    Trained t(tiny_gpt2(), DType::f32);
    const std::string text = refusal([&] { save_step(folder / "file", t, 1); });
    REQUIRE(says(text, (folder / "file").string()));
    REQUIRE(says(text, "the run has none yet"));
}

TEST_CASE("a truncated file makes the previous checkpoint the latest, and loading the damaged one names the file") {
    const TemporaryFolder run;
    const ModelConfig m = tiny_gpt2();
    Trained t(m, DType::bf16);
    save_step(run.path(), t, 1);
    const fs::path newest = save_step(run.path(), t, 2, {}, {.shard_limit = 1500});
    Trained loaded(m, DType::bf16);
    loaded.fill(77);
    const std::string before = loaded.bits();
    const std::string first_shard = [&] {
        for (const std::string& name : names_in(newest))
            if (says(name, "model-00001-of-")) return name;
        return std::string();
    }();
    REQUIRE(first_shard != "");
    for (const std::string& name :
         {first_shard, std::string("config.json"), std::string(optimizer_name), std::string(manifest_name)}) {
        const std::string whole = read_file(newest / name);
        for (size_t length : {size_t(0), size_t(7), whole.size() / 2, whole.size() - 2}) {
            overwrite(newest / name, whole.substr(0, length));
            const LatestCheckpoint latest = latest_checkpoint(run.path());
            INFO(name << " cut to " << length);
            REQUIRE(latest.folder == run / "checkpoints" / "step-00000001");
            REQUIRE(latest.notes.size() == 1);
            REQUIRE(says(latest.notes[0], newest.string()));
            REQUIRE(says(latest.notes[0], name));
            REQUIRE(says(refusal([&] { load_checkpoint(newest, *loaded.model, loaded.optimizer); }), name));
            REQUIRE(loaded.bits() == before);
        }
        fs::remove(newest / name);
        REQUIRE(latest_checkpoint(run.path()).folder == run / "checkpoints" / "step-00000001");
        REQUIRE(says(refusal([&] { load_checkpoint(newest, *loaded.model, loaded.optimizer); }), name));
        overwrite(newest / name, whole);
    }
    REQUIRE(require_latest_is_whole(run.path(), m, DType::bf16) == 2);
}

TEST_CASE("a checkpoint with one flipped bit in any of its files is refused with that file's name") {
    const TemporaryFolder run;
    const ModelConfig m = tiny_gpt2();
    Trained t(m, DType::bf16), loaded(m, DType::bf16);
    const fs::path folder = save_step(run.path(), t, 1);
    std::mt19937 random(6);
    for (const char* name :
         {"config.json", "generation_config.json", "model.safetensors", optimizer_name, manifest_name}) {
        const std::string whole = read_file(folder / name);
        for (int round = 0; round < 60; ++round) {
            std::string damaged = whole;
            const size_t at = random() % whole.size();
            damaged[at] = char(damaged[at] ^ (1 << random() % 8));
            overwrite(folder / name, damaged);
            const std::string text = refusal([&] { load_checkpoint(folder, *loaded.model, loaded.optimizer); });
            INFO(name << ", byte " << at << "\n" << text);
            REQUIRE(says(text, name));
        }
        overwrite(folder / name, whole);
    }
    load_checkpoint(folder, *loaded.model, loaded.optimizer);
    REQUIRE(loaded.bits() == t.bits());
}

TEST_CASE("a flipped bit in the newest checkpoint makes the previous one the latest when checksums are verified") {
    const TemporaryFolder run;
    const ModelConfig m = tiny_gpt2();
    Trained t(m, DType::f32);
    save_step(run.path(), t, 1);
    const fs::path newest = save_step(run.path(), t, 2);
    for (const char* name : {"config.json", "model.safetensors", optimizer_name}) {
        const std::string whole = read_file(newest / name);
        std::string damaged = whole;
        damaged[whole.size() / 2] = char(damaged[whole.size() / 2] ^ 1);
        overwrite(newest / name, damaged);
        const LatestCheckpoint latest = latest_checkpoint(run.path(), VerifyLevel::all);
        INFO(name);
        REQUIRE(latest.folder == run / "checkpoints" / "step-00000001");
        REQUIRE(latest.notes.size() == 1);
        REQUIRE(says(latest.notes[0], newest.string()));
        REQUIRE(says(latest.notes[0], std::string(name) + ": it was edited or damaged"));
        overwrite(newest / name, whole);
    }
    REQUIRE(latest_checkpoint(run.path(), VerifyLevel::all).folder == newest);
}

TEST_CASE("damaged checkpoints are neither counted nor removed") {
    const TemporaryFolder run;
    Trained t(tiny_gpt2(), DType::f32);
    for (int64_t step : {1, 2, 3}) save_step(run.path(), t, step, {.last = 3});
    overwrite(run / "checkpoints" / "step-00000003" / "model.safetensors", "");
    save_step(run.path(), t, 4, {.last = 2});
    REQUIRE(names_in(run / "checkpoints") ==
            std::vector<std::string>{"latest", "step-00000002", "step-00000003", "step-00000004"});
}

TEST_CASE("a checkpoint of another model or dtype is refused with each difference, and nothing changes") {
    const TemporaryFolder run;
    Trained t(tiny_gpt2(), DType::f32);
    const fs::path folder = save_step(run.path(), t, 1);
    ModelConfig other = tiny_gpt2();
    other.L = 3;
    other.V = 15;
    Trained bigger(other, DType::f32), narrower(tiny_gpt2(), DType::bf16), llama(tiny_llama(), DType::f32),
        same(tiny_gpt2(), DType::f32);
    same.fill(5);
    const std::string before = same.bits();
    auto load = [&](Trained& into) { return refusal([&] { load_checkpoint(folder, *into.model, into.optimizer); }); };
    REQUIRE(says(load(bigger), "layers 2 instead of 3; vocabulary 13 instead of 15"));
    REQUIRE(says(load(narrower), "dtype f32 instead of bf16"));
    REQUIRE(says(load(llama), "family gpt2 instead of llama"));
    ModelConfig longer = tiny_gpt2();
    longer.context = 7;
    Trained other_context(longer, DType::f32);
    other_context.fill(5);
    const std::string others = other_context.bits();
    REQUIRE(says(load(other_context), "context 6 instead of 7"));
    REQUIRE(other_context.bits() == others);
    REQUIRE(same.bits() == before);
    REQUIRE(load(same) == "");
    REQUIRE(same.bits() == t.bits());
}

TEST_CASE("an optimizer's file of another model is refused before the model changes, even if its checksum is right") {
    const TemporaryFolder run;
    Trained t(tiny_gpt2(), DType::f32), other(tiny_gpt2(false), DType::f32), loaded(tiny_gpt2(), DType::f32);
    const fs::path folder = save_step(run.path(), t, 1);
    Manifest manifest = read_manifest(folder);
    for (StoredFile& f : manifest.files)
        if (f.name == optimizer_name) f = save_optimizer(folder, Snapshot::of(*other.model, other.optimizer));
    write_manifest(folder, manifest);
    loaded.fill(5);
    const std::string before = loaded.bits();
    REQUIRE(says(refusal([&] { load_checkpoint(folder, *loaded.model, loaded.optimizer); }),
                 "it has tensors that this model does not have"));
    REQUIRE(loaded.bits() == before);
}

TEST_CASE("a folder that is not a checkpoint is refused with what it lacks") {
    const TemporaryFolder folder;
    Trained t(tiny_gpt2(), DType::f32);
    REQUIRE(says(refusal([&] { load_checkpoint(folder.path(), *t.model, t.optimizer); }), "gradus/manifest.json"));
}

TEST_CASE("weights that are missing or have another shape or dtype are refused with file, tensor and both shapes") {
    const TemporaryFolder folder;
    const ModelConfig m = tiny_gpt2(false);
    Trained t(m, DType::f32);
    t.fill(3);
    save_weights(*t.model, folder / "whole", DType::f32);
    const SafetensorsFile whole(folder / "whole" / "model.safetensors");
    // The complete file with one tensor changed, or removed if the dtype is empty.
    auto changed = [&](const std::string& name, const std::string& dtype, const std::vector<int64_t>& shape) {
        std::vector<SafetensorsWriter::Declared> declared;
        std::string bytes;
        for (const auto& e : whole.entries()) {
            if (e.name == name && dtype.empty()) continue;
            const bool mine = e.name == name;
            declared.push_back({e.name, mine ? dtype : e.dtype, mine ? shape : e.shape});
            size_t count = e.bytes;
            if (mine) {
                count = *stored_size(dtype);
                for (int64_t n : shape) count *= size_t(n);
            }
            bytes.append(count, 'x');
        }
        SafetensorsWriter file(folder.path(), "model.safetensors", declared);
        file.write(bytes.data(), bytes.size());
        file.commit();
        Trained into(m, DType::f32);
        into.fill(4);
        const std::string before = into.bits(), text = refusal([&] { load_weights(*into.model, folder.path()); });
        REQUIRE(into.bits() == before);
        return text;
    };
    const std::string missing = changed("transformer.h.1.ln_2.weight", "", {});
    REQUIRE(says(missing, folder.path().string()));
    REQUIRE(says(missing, "no tensor 'transformer.h.1.ln_2.weight'"));
    const std::string turned = changed("transformer.h.0.mlp.c_fc.weight", "F32", {24, 8});
    REQUIRE(says(turned, "model.safetensors', tensor 'transformer.h.0.mlp.c_fc.weight'"));
    REQUIRE(says(turned, "[24,8]"));
    REQUIRE(says(turned, "[8,24]"));
    REQUIRE(
        says(changed("transformer.ln_f.bias", "F32", {8, 1}), "its shape is [8,1], and by config.json it must be [8]"));
    REQUIRE(says(changed("transformer.wte.weight", "I8", {13, 8}), "stored as I8"));
    REQUIRE(says(changed("lm_head.weight", "", {}), "\"tie_word_embeddings\": true"));
    REQUIRE(says(refusal([&] { load_weights(*t.model, folder / "empty"); }), "neither model.safetensors nor"));
    REQUIRE(says(refusal([&] { save_weights(*t.model, folder / "whole", DType::f32); }), "already contains a model"));
}

TEST_CASE("an inconsistent index of shards is refused by name") {
    const TemporaryFolder folder;
    const ModelConfig m = tiny_gpt2();
    Trained t(m, DType::f32);
    save_weights(*t.model, folder.path(), DType::f32, 2000);
    const fs::path index = folder / "model.safetensors.index.json";
    const std::string whole = read_file(index);
    REQUIRE(load_weights(*t.model, folder.path()).empty());
    struct Lie {
        const char *text, *named;
    };
    for (const Lie& lie :
         {Lie{"", "line 1"},
          {"{}", "weight_map"},
          {R"({"weight_map": []})", "weight_map"},
          {R"({"weight_map": {"a": 1}})", "'a' is not a string"},
          {R"({"weight_map": {"a": "../x.safetensors"}})",
           "'../x.safetensors', which is not the name of a file beside it"},
          {R"({"weight_map": {"a": "/etc/passwd"}})", "not the name of a file beside it"},
          {R"({"weight_map": {"a": "model-00001-of-00001.safetensors"}})", "model-00001-of-00001.safetensors"}}) {
        overwrite(index, lie.text);
        INFO(lie.text);
        REQUIRE(says(refusal([&] { load_weights(*t.model, folder.path()); }), lie.named));
    }
    std::string moved = whole;
    const size_t at = moved.find("model-00001");
    moved[at + 10] = '2';
    overwrite(index, moved);
    REQUIRE(says(refusal([&] { load_weights(*t.model, folder.path()); }), "which does not contain it"));
    overwrite(index, whole);
    fs::remove(folder / (whole.substr(at, 11) + whole.substr(at + 11, whole.find('"', at) - at - 11)));
    REQUIRE(says(refusal([&] { load_weights(*t.model, folder.path()); }), "model-0000"));
}
