// Folders that transformers loads and gradus does not write: other names, heads that config.json does not mention,
// tensors of older versions, invalid optional values.
#include "engine/checkpoint/safetensors.h"
#include "engine/convert/convert.h"
#include "engine/layers/rope.h"
#include "engine/models/family.h"
#include "tests/engine/checkpoint_testing.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace gradus;
using namespace gradus::testing;

namespace {

struct Stored {
    std::string name, dtype;
    std::vector<int64_t> shape;
    std::string bytes;
};
using Tensors = std::vector<Stored>;

template <class Number>
Stored stored(const std::string& name, const char* dtype, const std::vector<int64_t>& shape,
              const std::vector<Number>& numbers) {
    return {name, dtype, shape, {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(Number)}};
}

Tensors tensors_in(const fs::path& folder) {
    Tensors all;
    const SafetensorsFile file(folder / "model.safetensors");
    for (const auto& e : file.entries())
        all.push_back({e.name, e.dtype, e.shape, {reinterpret_cast<const char*>(e.data), e.bytes}});
    return all;
}

void replace_tensors(const fs::path& folder, const Tensors& tensors) {
    fs::remove(folder / "model.safetensors");
    std::vector<SafetensorsWriter::Declared> declared;
    for (const Stored& t : tensors) declared.push_back({t.name, t.dtype, t.shape});
    SafetensorsWriter file(folder, "model.safetensors", declared);
    for (const Stored& t : tensors) file.write(t.bytes.data(), t.bytes.size());
    file.commit();
}

Stored& named(Tensors& tensors, const std::string& name) {
    for (Stored& t : tensors)
        if (t.name == name) return t;
    throw std::runtime_error(name);
}

void edit_config(const fs::path& folder, const std::string& file, const std::function<void(nlohmann::json&)>& edit) {
    nlohmann::json j =
        fs::exists(folder / file) ? nlohmann::json::parse(read_file(folder / file)) : nlohmann::json::object();
    edit(j);
    write_file_atomically(folder / file, j.dump());
}

struct Kind {
    const char *prefix, *embedding;
    ModelConfig tied, untied;
};
const Kind family_folders[] = {{"transformer.", "transformer.wte.weight", tiny_gpt2(true), tiny_gpt2(false)},
                               {"model.", "model.embed_tokens.weight", tiny_llama(true), tiny_llama(false)}};

// A folder with a model of that kind; `edit` changes its tensors.
struct Folder {
    TemporaryFolder work;
    std::string bits;

    explicit Folder(const ModelConfig& m, const std::function<void(Tensors&)>& edit = {}) {
        Trained source(m, DType::f32);
        source.fill(3);
        bits = source.weight_bits();
        save_weights(*source.model, path(), DType::f32);
        change(edit);
    }
    void change(const std::function<void(Tensors&)>& edit) {
        if (!edit) return;
        Tensors all = tensors_in(path());
        edit(all);
        replace_tensors(path(), all);
    }
    fs::path path() const { return work / "source"; }
};

struct Loaded {
    FolderModel described;
    std::vector<std::string> ignored;
    std::string bits;
};

Loaded load(const fs::path& folder) {
    Loaded l = {describe_model(folder), {}, {}};
    auto model = make_language_model(memory_ops(), l.described.config, DType::f32);
    l.ignored = load_weights(*model, folder);
    l.bits = {static_cast<const char*>(model->parameters.values.flat().data), model->parameters.values.flat().bytes()};
    return l;
}

void say_tied(nlohmann::json& config) { config["tie_word_embeddings"] = true; }
void say_nothing(nlohmann::json& config) { config.erase("tie_word_embeddings"); }

}  // namespace

TEST_CASE("a head that differs from the embedding is used, whatever config.json says about tying") {
    for (const Kind& f : family_folders)
        for (const auto& edit : {say_tied, say_nothing}) {
            const Folder folder(f.untied);
            edit_config(folder.path(), "config.json", edit);
            INFO(f.prefix << read_file(folder.path() / "config.json"));
            const Loaded l = load(folder.path());
            REQUIRE_FALSE(l.described.config.tied);
            REQUIRE(l.bits == folder.bits);
            REQUIRE(l.ignored.empty());
            const bool llama_says_nothing = f.untied.family == "llama" && edit == say_nothing;
            REQUIRE(l.described.notes.size() == (llama_says_nothing ? 0 : 1));
            if (!llama_says_nothing) REQUIRE(says(l.described.notes[0], "head that differs from the embedding"));
        }
}

TEST_CASE("a conversion keeps a head that config.json does not mention, and records it in the new config.json") {
    for (const Kind& f : family_folders) {
        const Folder folder(f.untied);
        edit_config(folder.path(), "config.json", say_tied);
        const Converted done = convert_model(memory_ops(), find_model(folder.path()), folder.work / "hf", {});
        REQUIRE(done.notes.size() == 1);
        REQUIRE(nlohmann::json::parse(read_file(folder.work / "hf/config.json"))["tie_word_embeddings"] == false);
        const Loaded l = load(folder.work / "hf");
        REQUIRE(l.bits == folder.bits);
        REQUIRE(l.described.notes.empty());
    }
}

TEST_CASE("a copy of the embedding as head leaves the two tied, in any stored dtype") {
    for (const Kind& f : family_folders) {
        const Folder folder(f.tied, [&](Tensors& all) {
            Stored head = named(all, f.embedding);
            head.name = "lm_head.weight";
            all.push_back(head);
        });
        Loaded l = load(folder.path());
        REQUIRE(l.described.config.tied);
        REQUIRE(l.ignored.empty());
        REQUIRE(l.described.notes.empty());
        REQUIRE(l.bits == folder.bits);

        Tensors all = tensors_in(folder.path());
        Stored& head = named(all, "lm_head.weight");
        std::vector<double> wide(head.bytes.size() / sizeof(float));
        for (size_t i = 0; i < wide.size(); ++i) {
            float x;
            std::memcpy(&x, head.bytes.data() + i * sizeof x, sizeof x);
            wide[i] = x;
        }
        head = stored("lm_head.weight", "F64", head.shape, wide);
        replace_tensors(folder.path(), all);
        REQUIRE(load(folder.path()).described.config.tied);
    }
}

TEST_CASE("a tied folder that has the embedding only as head is read completely") {
    for (const Kind& f : family_folders) {
        const Folder folder(f.tied, [&](Tensors& all) { named(all, f.embedding).name = "lm_head.weight"; });
        const Loaded l = load(folder.path());
        REQUIRE(l.described.config.tied);
        REQUIRE(l.bits == folder.bits);
        REQUIRE(l.ignored.empty());
    }
}

TEST_CASE("names are read with the family's prefix and without it, and mixed") {
    for (const Kind& f : family_folders)
        for (const ModelConfig& m : {f.tied, f.untied})
            for (const int every : {1, 2}) {
                int seen = 0;
                const Folder folder(m, [&](Tensors& all) {
                    for (Stored& t : all)
                        if (t.name.starts_with(f.prefix) && ++seen % every == 0)
                            t.name.erase(0, std::string(f.prefix).size());
                });
                const Loaded l = load(folder.path());
                REQUIRE(l.bits == folder.bits);
                REQUIRE(l.ignored.empty());
            }
}

TEST_CASE("a weight under two names is read if both agree, and refused if they differ") {
    for (const Kind& f : family_folders) {
        Folder folder(f.untied, [&](Tensors& all) {
            Stored again = named(all, f.embedding);
            again.name.erase(0, std::string(f.prefix).size());
            all.push_back(again);
        });
        REQUIRE(load(folder.path()).bits == folder.bits);
        REQUIRE(load(folder.path()).ignored.empty());
        folder.change([](Tensors& all) { all.back().bytes[5] ^= 1; });
        REQUIRE(says(refusal([&] { load(folder.path()); }), "two tensors for one weight"));
    }
}

TEST_CASE("the Error for a missing weight has its full name") {
    for (const Kind& f : family_folders) {
        const Folder folder(f.untied, [&](Tensors& all) {
            std::erase_if(all, [&](const Stored& t) { return t.name == f.embedding; });
        });
        REQUIRE(says(refusal([&] { load(folder.path()); }), std::string("no tensor '") + f.embedding));
    }
}

TEST_CASE("masks of older versions are ignored if they are causal masks, and listed otherwise") {
    std::vector<uint8_t> mask(36);
    std::vector<float> wide(36);
    for (size_t i = 0; i < 36; ++i) wide[i] = mask[i] = i % 6 <= i / 6;
    const Stored whole = stored("h.0.attn.bias", "U8", {1, 1, 6, 6}, mask);
    const Stored of_floats = stored("transformer.h.1.attn.bias", "F32", {1, 1, 6, 6}, wide);
    const Stored score = stored("h.0.attn.masked_bias", "F32", {}, std::vector<float>{-1e4f});
    const auto ignored = [&](const Stored& t) {
        return load(Folder(tiny_gpt2(), [&](Tensors& all) { all.push_back(t); }).path()).ignored;
    };
    for (const Stored& t : {whole, of_floats, score}) REQUIRE(ignored(t).empty());

    Stored one_more = whole, one_less = of_floats, other_shape = whole, high = score;
    one_more.bytes[1] = 1;
    one_less.bytes.replace(35 * sizeof(float), sizeof(float), sizeof(float), '\0');
    other_shape.shape = {1, 36};
    high.bytes = stored("", "F32", {}, std::vector<float>{0.5f}).bytes;
    for (const Stored& t : {one_more, one_less, other_shape, high})
        REQUIRE(ignored(t) == std::vector<std::string>{t.name});
}

TEST_CASE("stored rotary frequencies are ignored if they are the model's, and listed otherwise") {
    const ModelConfig m = tiny_llama();
    std::vector<float> own;
    for (const double f : rope_frequencies(m)) own.push_back(float(f));
    const std::string name = "model.layers.0.self_attn.rotary_emb.inv_freq";
    const auto ignored = [&](const Stored& t) {
        return load(Folder(m, [&](Tensors& all) { all.push_back(t); }).path()).ignored;
    };
    REQUIRE(ignored(stored(name, "F32", {3}, own)).empty());
    own[1] *= 1.5f;
    REQUIRE(ignored(stored(name, "F32", {3}, own)) == std::vector<std::string>{name});
    own.pop_back();
    REQUIRE(ignored(stored(name, "F32", {2}, own)) == std::vector<std::string>{name});
}

TEST_CASE("invalid optional values do not prevent a model from being read") {
    const std::vector<std::pair<const char*, const char*>> advice = {
        {"bos_token_id", "50256"},    {"bos_token_id", "[1, 2]"},     {"bos_token_id", R"("a")"},
        {"pad_token_id", "-1"},       {"pad_token_id", R"("x")"},     {"attn_pdrop", R"("no")"},
        {"resid_pdrop", "7"},         {"torch_dtype", "4"},           {"dtype", R"("nonsense")"},
        {"use_cache", R"("maybe")"},  {"unknown", R"({"a": []})"},    {"architectures", "5"},
        {"initializer_range", "[]"},  {"transformers_version", "{}"}, {"summary_type", "1"},
        {"task_specific_params", "0"}};
    for (const Kind& f : family_folders)
        for (const auto& [key, value] : advice) {
            INFO(f.prefix << key << " " << value);
            const Folder folder(f.tied);
            edit_config(folder.path(), "config.json",
                        [&, key = key, value = value](auto& j) { j[key] = nlohmann::json::parse(value); });
            REQUIRE(load(folder.path()).bits == folder.bits);
        }
}

TEST_CASE("an end-of-text id outside the vocabulary is noted and ignored, alone or in a list, in either file") {
    struct Case {
        const char *in_config, *in_generation;
        std::vector<int32_t> ends;
        size_t notes;
    };
    const Case cases[] = {{"50256", "50256", {}, 1},
                          {"[7, 50256, 3]", "", {7, 3}, 1},
                          {"5", "[7, 2]", {7, 2}, 0},
                          {"5", "50256", {5}, 1},
                          {"5", "null", {5}, 0},
                          {"null", "null", {}, 0},
                          {"-1", "null", {}, 1},
                          {R"("5")", "null", {}, 1},
                          {"5.0", "null", {}, 1},
                          {"[]", "[]", {}, 0},
                          {"{}", "true", {}, 2},
                          {"18446744073709551615", "", {}, 1},
                          {"9223372036854775813", "", {}, 1}};
    for (const Kind& f : family_folders)
        for (const Case& c : cases) {
            INFO(f.prefix << c.in_config << " / " << c.in_generation);
            const Folder folder(f.tied);
            edit_config(folder.path(), "config.json",
                        [&](auto& j) { j["eos_token_id"] = nlohmann::json::parse(c.in_config); });
            fs::remove(folder.path() / "generation_config.json");
            if (*c.in_generation)
                edit_config(folder.path(), "generation_config.json",
                            [&](auto& j) { j["eos_token_id"] = nlohmann::json::parse(c.in_generation); });
            const Loaded l = load(folder.path());
            REQUIRE(l.described.ends == c.ends);
            REQUIRE(l.described.notes.size() == c.notes);
            REQUIRE(l.bits == folder.bits);
        }
}

TEST_CASE("a generation_config.json that cannot be parsed is noted and ignored") {
    for (const char* text : {"", "{", "[]", "{\"eos_token_id\": \xff}"}) {
        const Folder folder(tiny_gpt2());
        write_file_atomically(folder.path() / "generation_config.json", text);
        const Loaded l = load(folder.path());
        REQUIRE(l.described.notes.size() == 1);
        REQUIRE(says(l.described.notes[0], "generation_config.json' is ignored"));
        REQUIRE(l.described.ends == std::vector<int32_t>{12});
    }
}

TEST_CASE("a conversion keeps every end-of-text id in the file that has it") {
    const Folder folder(tiny_gpt2());
    edit_config(folder.path(), "config.json", [](auto& j) { j["eos_token_id"] = {3, 4, 50256}; });
    fs::remove(folder.path() / "generation_config.json");
    convert_model(memory_ops(), find_model(folder.path()), folder.work / "hf", {});
    REQUIRE_FALSE(fs::exists(folder.work / "hf/generation_config.json"));
    REQUIRE(describe_model(folder.work / "hf").ends == std::vector<int32_t>{3, 4});
}

TEST_CASE("values of a malformed config.json cannot add lines to an Error") {
    const Folder folder(tiny_gpt2());
    const std::vector<std::pair<const char*, std::string>> values = {
        {"activation_function", R"("a\nb\u001b[31m")"},
        {"model_type", R"("x\ny")"},
        {"n_layer", R"(["a\nb", {"c": ")" + std::string(100'000, 'z') + "\"}]"},
        {"tie_word_embeddings", R"("\n")"}};
    for (const auto& [key, value] : values) {
        edit_config(folder.path(), "config.json",
                    [&, key = key, value = value](auto& j) { j[key] = nlohmann::json::parse(value); });
        const std::string text = refusal([&] { describe_model(folder.path()); });
        INFO(key << ": " << text.substr(0, 400));
        REQUIRE(std::count(text.begin(), text.end(), '\n') == 2);
        REQUIRE(text.find('\x1b') == std::string::npos);
        REQUIRE(text.size() < 1000);
        edit_config(folder.path(), "config.json", [key = key](auto& j) { j[key] = nullptr; });
        edit_config(folder.path(), "config.json", [](auto& j) {
            j["model_type"] = "gpt2";
            j["n_layer"] = 2;
        });
    }
}
