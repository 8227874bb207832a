// Checkpoints and folders of weights, without faults.
#include "engine/checkpoint/elements.h"
#include "engine/checkpoint/optimizer_state.h"
#include "engine/checkpoint/safetensors.h"
#include "engine/models/family.h"
#include "tests/engine/checkpoint_testing.h"

#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

using namespace gradus;
using namespace gradus::testing;

namespace {

struct Kind {
    const char* name;
    ModelConfig config;
};
const Kind kinds[] = {{"gpt2, tied", tiny_gpt2(true)},
                      {"gpt2, untied", tiny_gpt2(false)},
                      {"llama, tied", tiny_llama(true)},
                      {"llama, untied", tiny_llama(false)}};

float stored_number(const SafetensorsFile::Entry& e, int64_t i) {
    float x = 0;
    copy_elements({reinterpret_cast<std::byte*>(&x), Element::f32, 1, 1},
                  {e.data + size_t(i) * *stored_size(e.dtype), *element_of(e.dtype), 1, 1}, 1, 1);
    return x;
}

const Weight& weight_of(LanguageModel& model, const std::string& name) {
    for (const Weight& w : model.weights())
        if (w.name == name) return w;
    FAIL("no weight " << name);
    return model.weights().front();
}

}  // namespace

TEST_CASE("weights that were saved are loaded bit for bit, in every family and dtype, in one file or in shards") {
    for (const Kind& kind : kinds)
        for (DType dtype : {DType::f32, DType::bf16})
            for (uint64_t limit : {default_shard_limit, uint64_t(1000), uint64_t(1)}) {
                INFO(kind.name << ", " << name_of(dtype) << ", shards of " << limit);
                const TemporaryFolder folder;
                Trained saved(kind.config, dtype), loaded(kind.config, dtype);
                saved.fill(1);
                loaded.fill(2);
                save_weights(*saved.model, folder.path(), dtype, limit);
                REQUIRE(fs::exists(folder / "model.safetensors.index.json") == (limit < 2000));
                REQUIRE(read_model_config(folder.path()) == kind.config);
                REQUIRE(load_weights(*loaded.model, folder.path()).empty());
                REQUIRE(loaded.weight_bits() == saved.weight_bits());
            }
}

TEST_CASE("a model saved in a wider dtype is loaded exactly, and saved in a narrower one it is rounded once") {
    const TemporaryFolder folder;
    Trained narrow(tiny_gpt2(), DType::bf16), again(tiny_gpt2(), DType::bf16), wide(tiny_gpt2(), DType::f32);
    narrow.fill(3);
    save_weights(*narrow.model, folder / "wide", DType::f32);
    load_weights(*again.model, folder / "wide");
    REQUIRE(again.weight_bits() == narrow.weight_bits());

    wide.fill(4);
    save_weights(*wide.model, folder / "narrow", DType::bf16);
    load_weights(*again.model, folder / "narrow");
    for (size_t i = 0; i < wide.model->weights().size(); ++i) {
        const Weight &w = wide.model->weights()[i], &n = again.model->weights()[i];
        for (int64_t j = 0; j < w.value.size(); ++j)
            REQUIRE(n.value.as<bf16>()[j].bits == bf16(w.value.as<float>()[j]).bits);
    }
}

TEST_CASE("GPT-2's projections are stored as [in, out] under transformers' names") {
    const TemporaryFolder folder;
    Trained gpt2(tiny_gpt2(false), DType::f32);
    gpt2.fill(5);
    save_weights(*gpt2.model, folder.path(), DType::f32);
    const SafetensorsFile file(folder / "model.safetensors");
    REQUIRE(file.find("lm_head.weight"));
    const auto* stored = file.find("transformer.h.1.mlp.c_fc.weight");
    REQUIRE(stored);
    REQUIRE(stored->shape == std::vector<int64_t>{8, 24});
    const Weight& w = weight_of(*gpt2.model, "block.1.feed_forward.up_w");
    for (int64_t out = 0; out < 24; ++out)
        for (int64_t in = 0; in < 8; ++in)
            REQUIRE(stored_number(*stored, in * 24 + out) == w.value.as<float>()[out * 8 + in]);
}

TEST_CASE("LLaMA's stacked matrices are stored one by one under transformers' names") {
    const TemporaryFolder folder;
    Trained llama(tiny_llama(), DType::bf16);
    llama.fill(6);
    save_weights(*llama.model, folder.path(), DType::bf16);
    const SafetensorsFile file(folder / "model.safetensors");
    const Weight& qkv = weight_of(*llama.model, "block.0.attention.qkv_w");
    int64_t row = 0;
    for (const auto& [name, rows] : {std::pair{"q_proj", 24}, {"k_proj", 12}, {"v_proj", 12}}) {
        const auto* stored = file.find(std::string("model.layers.0.self_attn.") + name + ".weight");
        REQUIRE(stored);
        REQUIRE(stored->dtype == "BF16");
        REQUIRE(stored->shape == std::vector<int64_t>{rows, 8});
        REQUIRE(std::memcmp(stored->data, qkv.value.slice(row, rows).data, stored->bytes) == 0);
        row += rows;
    }
    REQUIRE(file.find("lm_head.weight"));
    REQUIRE(file.find("model.norm.weight"));
}

TEST_CASE("a tied head is stored once, and unused tensors of a file are listed") {
    const TemporaryFolder folder;
    Trained gpt2(tiny_gpt2(true), DType::f32), loaded(tiny_gpt2(true), DType::f32);
    gpt2.fill(7);
    save_weights(*gpt2.model, folder.path(), DType::f32);
    std::vector<SafetensorsWriter::Declared> declared;
    std::string bytes;
    {
        const SafetensorsFile file(folder / "model.safetensors");
        REQUIRE_FALSE(file.find("lm_head.weight"));
        for (const auto& e : file.entries()) {  // without the prefix, as in the published GPT-2
            declared.push_back({e.name.substr(std::string("transformer.").size()), e.dtype, e.shape});
            bytes.append(reinterpret_cast<const char*>(e.data), e.bytes);
        }
    }
    for (const char* extra : {"lm_head.weight", "h.0.attn.bias", "h.1.attn.masked_bias", "a.stranger"}) {
        declared.push_back({extra, "U8", {2}});
        bytes += "xx";
    }
    SafetensorsWriter file(folder.path(), "model.safetensors", declared);
    file.write(bytes.data(), bytes.size());
    file.commit();
    REQUIRE(load_weights(*loaded.model, folder.path()) ==
            std::vector<std::string>{"a.stranger", "h.0.attn.bias", "h.1.attn.masked_bias", "lm_head.weight"});
    REQUIRE(loaded.weight_bits() == gpt2.weight_bits());
}

TEST_CASE(
    "folders that transformers wrote are loaded, in one file, sharded or in half precision, and written back tensor "
    "for "
    "tensor") {
    const fs::path goldens = fs::path(GRADUS_ROOT) / "tests/goldens/models";
    for (const char* name : {"gpt2", "gpt2-bf16", "gpt2-f16", "gpt2-sharded", "llama", "llama-tied"}) {
        INFO(name);
        std::vector<SafetensorsFile> original;
        for (const std::string& file : names_in(goldens / name))
            if (file.rfind("model", 0) == 0 && says(file + "$", ".safetensors$"))
                original.emplace_back(goldens / name / file);
        auto find = [&](const std::string& tensor) -> const SafetensorsFile::Entry* {
            for (const SafetensorsFile& file : original)
                if (const auto* e = file.find(tensor)) return e;
            return nullptr;
        };
        const DType dtype = original.at(0).entries().at(0).dtype == "BF16" ? DType::bf16 : DType::f32;
        const ModelConfig m = read_model_config(goldens / name);
        auto model = make_language_model(memory_ops(), m, dtype);
        REQUIRE(load_weights(*model, goldens / name).empty());
        const TemporaryFolder folder;
        save_weights(*model, folder.path(), dtype);
        REQUIRE(read_model_config(folder.path()) == m);
        const SafetensorsFile written(folder / "model.safetensors");
        for (const auto& e : written.entries()) {
            const auto* there = find(e.name);
            if (!there) there = find(e.name.substr(std::string(family_named(m.family).prefix).size()));
            INFO(e.name);
            REQUIRE(there);
            REQUIRE(there->shape == e.shape);
            if (there->dtype == e.dtype) REQUIRE(std::memcmp(there->data, e.data, e.bytes) == 0);
            else
                for (int64_t i = 0; i < int64_t(e.bytes / 4); ++i)
                    REQUIRE(stored_number(e, i) == stored_number(*there, i));
        }
    }
}

TEST_CASE("a checkpoint that was saved is loaded bit for bit, with the run's state") {
    for (const Kind& kind : kinds)
        for (DType dtype : {DType::f32, DType::bf16}) {
            INFO(kind.name << ", " << name_of(dtype));
            const TemporaryFolder run;
            Trained saved(kind.config, dtype), loaded(kind.config, dtype);
            saved.fill(8);
            loaded.fill(9);
            TrainingState state = {120, 7000000000, ~0ull, "[model]\nname = \"tiny\"  # ü\n",
                                   "batch = 8\ncontext = 6\n"};
            state.stability = {.losses = {3.1}, .norms = {0.7}, .skipped = 4, .rate = 0.1, .diverged_at = 90};
            state.rollback_targets = {100, 120};
            const fs::path folder = save_checkpoint(run.path(), *saved.model, saved.optimizer, state);
            REQUIRE(folder == run / "checkpoints" / "step-00000120");
            REQUIRE(latest_checkpoint(run.path()).folder == folder);
            REQUIRE(latest_checkpoint(run.path()).notes.empty());
            const TrainingState back = load_checkpoint(folder, *loaded.model, loaded.optimizer);
            REQUIRE(loaded.bits() == saved.bits());
            REQUIRE(back.step == 120);
            REQUIRE(back.tokens == 7000000000);
            REQUIRE(back.seed == ~0ull);
            REQUIRE(back.recipe == state.recipe);
            REQUIRE(back.compatible == state.compatible);
            REQUIRE(back.stability == state.stability);
            REQUIRE(back.rollback_targets == state.rollback_targets);
        }
}

TEST_CASE("the optimizer's file has logical tensors under the engine's names, and masters if the model is bf16") {
    for (DType dtype : {DType::f32, DType::bf16}) {
        const TemporaryFolder run;
        Trained trained(tiny_llama(), dtype);
        trained.fill(10);
        const fs::path folder = save_checkpoint(run.path(), *trained.model, trained.optimizer, {});
        const SafetensorsFile file(folder / optimizer_name);
        REQUIRE(file.entries().size() == trained.model->weights().size() * (dtype == DType::bf16 ? 3 : 2));
        const auto* e = file.find("v.block.1.attention.qkv_w");
        REQUIRE(e);
        REQUIRE(e->dtype == "F32");
        REQUIRE(e->shape == std::vector<int64_t>{48, 8});
        REQUIRE((file.find("master.wte") != nullptr) == (dtype == DType::bf16));
        REQUIRE(SafetensorsFile(folder / "model.safetensors").entries()[0].dtype == stored_name(dtype));
    }
}

TEST_CASE("a checkpoint of Muon has no second moments of matrices, and is loaded bit for bit") {
    for (DType dtype : {DType::f32, DType::bf16}) {
        const TemporaryFolder run;
        const OptimizerConfig muon = {.kind = OptimizerKind::muon};
        Trained saved(tiny_llama(), dtype, muon), loaded(tiny_llama(), dtype, muon);
        saved.fill(13);
        loaded.fill(14);
        const fs::path folder = save_checkpoint(run.path(), *saved.model, saved.optimizer, {.step = 1});
        const SafetensorsFile file(folder / optimizer_name);
        REQUIRE(file.find("m.block.1.attention.qkv_w"));
        REQUIRE_FALSE(file.find("v.block.1.attention.qkv_w"));
        REQUIRE(file.find("v.block.1.norm1.gain"));
        REQUIRE(file.find("v.wte"));
        load_checkpoint(folder, *loaded.model, loaded.optimizer);
        REQUIRE(loaded.bits() == saved.bits());
        Trained adamw(tiny_llama(), dtype);
        REQUIRE(says(refusal([&] { load_checkpoint(folder, *adamw.model, adamw.optimizer); }), "no tensor 'v.block."));
    }
}

TEST_CASE("a checkpoint's folder has the files that transformers needs, with the tokenizer, and no incomplete ones") {
    const TemporaryFolder run;
    const std::string tokenizer = "{\"version\": \"1.0\"}";
    Trained trained(tiny_gpt2(), DType::f32);
    const fs::path folder = save_checkpoint(run.path(), *trained.model, trained.optimizer, {.step = 5},
                                            {.tokenizer_json = tokenizer, .end_of_text = "<|end|>"});
    REQUIRE(names_in(folder) == std::vector<std::string>{"config.json", "generation_config.json", "gradus",
                                                         "model.safetensors", "tokenizer.json",
                                                         "tokenizer_config.json"});
    const auto tokenizer_config = nlohmann::json::parse(read_file(folder / "tokenizer_config.json"));
    REQUIRE(tokenizer_config["tokenizer_class"] == "PreTrainedTokenizerFast");
    REQUIRE(tokenizer_config["eos_token"] == "<|end|>");
    REQUIRE(tokenizer_config["model_max_length"] == tiny_gpt2().context);
    REQUIRE(names_in(folder / "gradus") == std::vector<std::string>{"manifest.json", "optimizer.safetensors"});
    REQUIRE(names_in(run / "checkpoints") == std::vector<std::string>{"latest", "step-00000005"});
    REQUIRE(read_file(folder / "tokenizer.json") == tokenizer);
    REQUIRE(fs::read_symlink(run / "checkpoints" / "latest") == "step-00000005");
    const auto generation = nlohmann::json::parse(read_file(folder / "generation_config.json"));
    REQUIRE(generation["eos_token_id"] == 12);
}

TEST_CASE("the newest checkpoints are kept, and those at multiples of keep_every are never removed") {
    const TemporaryFolder run;
    Trained trained(tiny_gpt2(), DType::f32);
    for (int64_t step : {10, 20, 30, 40, 50, 60})
        save_checkpoint(run.path(), *trained.model, trained.optimizer,
                        state_at(run.path(), step, {.last = 2, .every = 20}));
    REQUIRE(names_in(run / "checkpoints") ==
            std::vector<std::string>{"latest", "step-00000020", "step-00000040", "step-00000050", "step-00000060"});
}

TEST_CASE("an irregular checkpoint is kept until the next save, and no regular one is removed for it") {
    const TemporaryFolder run;
    Trained trained(tiny_gpt2(), DType::f32);
    const auto save = [&](int64_t step, const std::vector<int64_t>& targets) {
        save_checkpoint(run.path(), *trained.model, trained.optimizer, {.step = step, .rollback_targets = targets});
    };
    save(10, {10});
    save(20, {10, 20});
    save(25, {10, 20});  // when stopped
    REQUIRE(names_in(run / "checkpoints") ==
            std::vector<std::string>{"latest", "step-00000010", "step-00000020", "step-00000025"});
    save(27, {10, 20});  // when stopped again
    REQUIRE(names_in(run / "checkpoints") ==
            std::vector<std::string>{"latest", "step-00000010", "step-00000020", "step-00000027"});
    save(30, steps_to_keep(run.path(), {10, 20}, 30, {.last = 2}));
    REQUIRE(names_in(run / "checkpoints") == std::vector<std::string>{"latest", "step-00000020", "step-00000030"});
}

TEST_CASE("the steps to keep are the newest complete ones and multiples of keep_every, in ascending order") {
    const TemporaryFolder run;
    Trained trained(tiny_gpt2(), DType::f32);
    const std::vector<int64_t> before = {10, 20, 30, 40, 50};
    for (int64_t step : before) save_checkpoint(run.path(), *trained.model, trained.optimizer, {.step = step});
    using Steps = std::vector<int64_t>;
    const auto kept = [&](const Keep& keep) { return steps_to_keep(run.path(), before, 60, keep); };
    REQUIRE(kept({.last = 1}) == Steps{60});
    REQUIRE(kept({.last = 3}) == Steps{40, 50, 60});
    REQUIRE(kept({.last = 9}) == Steps{10, 20, 30, 40, 50, 60});
    REQUIRE(kept({.last = 2, .every = 20}) == Steps{20, 40, 50, 60});
    fs::resize_file(run / "checkpoints" / "step-00000050" / "model.safetensors", 1);
    REQUIRE(kept({.last = 3}) == Steps{30, 40, 60});
}

TEST_CASE("a file or folder named latest that is not a link is renamed and keeps its content") {
    const TemporaryFolder run;
    const fs::path latest = run / "checkpoints" / "latest";
    Trained trained(tiny_gpt2(), DType::f32);
    const auto save = [&](int64_t step) {
        save_checkpoint(run.path(), *trained.model, trained.optimizer, {.step = step});
        REQUIRE(fs::read_symlink(latest) == name_of_step(step));
    };
    save(1);
    for (int i = 1; i <= 3; ++i) {
        fs::remove(latest);
        if (i == 3) write_file_atomically(latest, "mine");
        else fs::copy(run / "checkpoints" / "step-00000001", latest, fs::copy_options::recursive);
        save(1 + i);
    }
    REQUIRE(names_in(run / "checkpoints" / "latest.copy") == names_in(run / "checkpoints" / "step-00000001"));
    REQUIRE(names_in(run / "checkpoints" / "latest.copy2") == names_in(run / "checkpoints" / "step-00000001"));
    REQUIRE(read_file(run / "checkpoints" / "latest.copy3") == "mine");
    // A dangling link, or a link to something else, is replaced.
    fs::remove(latest);
    fs::create_symlink("gone", latest);
    save(9);
    REQUIRE_FALSE(fs::exists(run / "checkpoints" / "latest.copy4"));
}

TEST_CASE("a checkpoint of an earlier step than the existing ones is saved and kept") {
    const TemporaryFolder run;
    Trained trained(tiny_gpt2(), DType::f32);
    for (int64_t step : {10, 20, 5})
        save_checkpoint(run.path(), *trained.model, trained.optimizer, state_at(run.path(), step, {.last = 1}));
    REQUIRE(names_in(run / "checkpoints") == std::vector<std::string>{"latest", "step-00000005", "step-00000020"});
}

TEST_CASE("a checkpoint of a step that was saved before replaces it") {
    const TemporaryFolder run;
    Trained trained(tiny_gpt2(), DType::f32), loaded(tiny_gpt2(), DType::f32);
    for (uint64_t seed : {11, 12}) {
        trained.fill(seed);
        save_checkpoint(run.path(), *trained.model, trained.optimizer, {.step = 3, .seed = seed});
    }
    const auto latest = latest_checkpoint(run.path());
    REQUIRE(load_checkpoint(*latest.folder, *loaded.model, loaded.optimizer).seed == 12);
    REQUIRE(loaded.bits() == trained.bits());
    REQUIRE(names_in(run / "checkpoints") == std::vector<std::string>{"latest", "step-00000003"});
}

TEST_CASE("a run without checkpoints has no latest one") {
    const TemporaryFolder run;
    REQUIRE_FALSE(latest_checkpoint(run.path()).folder);
    REQUIRE_FALSE(latest_checkpoint(run / "absent").folder);
}

TEST_CASE(
    "incomplete folders of killed processes are removed, and an old checkpoint that was being replaced is renamed "
    "back") {
    const TemporaryFolder run;
    Trained trained(tiny_gpt2(), DType::f32);
    save_checkpoint(run.path(), *trained.model, trained.optimizer, {.step = 1});
    const fs::path folder = run / "checkpoints";
    fs::create_directories(folder / ".step-00000002.tmp-2147483646" / "gradus");
    fs::create_directories(folder / ".step-00000000.removed-2147483646");
    fs::create_directories(folder / ".step-00000003.tmp-1");          // a running process
    fs::create_directories(folder / "notes of mine.tmp-2147483646");  // not ours
    fs::rename(folder / "step-00000001", folder / ".step-00000001.replaced-2147483646");
    remove_leftovers(run.path());
    REQUIRE(names_in(folder) == std::vector<std::string>{".step-00000003.tmp-1", "latest",
                                                         "notes of mine.tmp-2147483646", "step-00000001"});
    REQUIRE(latest_checkpoint(run.path()).folder == folder / "step-00000001");
}
