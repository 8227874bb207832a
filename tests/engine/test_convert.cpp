// Conversion between Hugging Face, nanoGPT and llm.c: written files are read back bit for bit, and files from PyTorch
// are read exactly.
#include <algorithm>
#include <cstring>

#include "engine/checkpoint/safetensors.h"
#include "engine/convert/convert.h"
#include "engine/convert/llmc_file.h"
#include "engine/convert/torch_file.h"
#include "tests/engine/convert_testing.h"

#include <catch2/catch.hpp>

using namespace gradus;
using namespace gradus::testing;

namespace {

std::string bits_of(LanguageModel& model) {
    const Tensor t = model.parameters.values.flat();
    return {static_cast<const char*>(t.data), t.bytes()};
}

Converted convert_at(const fs::path& from, const fs::path& to, ModelFormat format, std::optional<DType> dtype = {}) {
    return convert_model(memory_ops(), find_model(from), to, {.to = format, .dtype = dtype});
}

std::string loaded_bits(const fs::path& folder, DType dtype) {
    auto model = make_language_model(memory_ops(), read_model_config(folder), dtype);
    load_weights(*model, folder);
    return bits_of(*model);
}

std::string bytes_of(const SafetensorsFile::Entry& e) { return {reinterpret_cast<const char*>(e.data), e.bytes}; }

float first_number(const TorchTensor& t) {
    float x;
    std::memcpy(&x, t.data, sizeof x);
    return x;
}

std::string bits_of_number(uint32_t n) { return {reinterpret_cast<const char*>(&n), sizeof n}; }

}  // namespace

TEST_CASE("a checkpoint from PyTorch becomes a Hugging Face folder with the same bits of every weight") {
    const TemporaryFolder work;
    const Converted done = convert_at(goldens / "ckpt.pt", work / "hf", ModelFormat::hf);
    REQUIRE(done.dtype == DType::f32);
    const SafetensorsFile made(work / "hf/model.safetensors"), expected(goldens / "weights.safetensors");
    REQUIRE(expected.entries().size() == made.entries().size());
    for (const SafetensorsFile::Entry& e : expected.entries()) {
        INFO(e.name);
        const auto* ours = made.find(e.name);
        REQUIRE(ours);
        REQUIRE(ours->shape == e.shape);
        REQUIRE(bytes_of(*ours) == bytes_of(e));
    }
    const ModelConfig m = read_model_config(work / "hf");
    REQUIRE(m.L == 1);
    REQUIRE(m.H == 2);
    REQUIRE(m.C == 8);
    REQUIRE(m.context == 6);
    REQUIRE(m.V == 11);
    REQUIRE(m.tied);
    REQUIRE(m.activation == Activation::gelu_erf);
    REQUIRE(m.end_of_text == -1);
}

TEST_CASE("the values of a checkpoint from PyTorch are read as saved") {
    const TorchFile file(goldens / "ckpt.pt");
    const Pickled *config = file.root().find("config"), *loss = file.root().find("best_val_loss"),
                  *optimizer = file.root().find("optimizer");
    REQUIRE((config && loss && optimizer));
    REQUIRE(config->find("dataset")->text == "made up");
    REQUIRE(config->find("beta2")->real == 0.99);
    REQUIRE(config->find("compile")->integer == 1);
    REQUIRE(config->find("compile")->is(Pickled::Kind::boolean));
    const TorchTensor value = file.tensor(*loss, "best_val_loss");
    REQUIRE(value.dtype == "F32");
    REQUIRE(value.shape.empty());
    REQUIRE(first_number(value) == 2.5f);
    const Pickled& group = *optimizer->find("param_groups")->items.at(0);
    REQUIRE(group.find("betas")->items.at(1)->real == 0.999);
    REQUIRE(group.find("lr")->real == 1e-3);
}

TEST_CASE("from Hugging Face to any format and back every weight keeps its bits, in f32 and in bf16") {
    for (const DType dtype : {DType::f32, DType::bf16})
        for (const ModelFormat format : {ModelFormat::hf, ModelFormat::nanogpt, ModelFormat::llmc}) {
            INFO(name_of(format) << " " << name_of(dtype));
            const TemporaryFolder work;
            ModelConfig m = plain_gpt2();
            m.activation = format == ModelFormat::nanogpt ? Activation::gelu_erf : Activation::gelu_tanh;
            Trained source(m, dtype);
            source.fill(3);
            save_weights(*source.model, work / "source", dtype);
            REQUIRE(convert_at(work / "source", work / "there", format).dtype == dtype);
            REQUIRE(convert_at(work / "there", work / "back", ModelFormat::hf).dtype == dtype);
            REQUIRE(loaded_bits(work / "back", dtype) == source.weight_bits());
            REQUIRE(differences(read_model_config(work / "back"), source.model->config()).empty());
            REQUIRE(names_in(work.path()) == std::vector<std::string>{"back", "source", "there"});
        }
}

TEST_CASE(
    "a GPT-2 keeps its GELU from folder to folder, and a note says if the other program computes a different one") {
    const TemporaryFolder work;
    auto noted = [](const Converted& done) {
        return std::any_of(done.notes.begin(), done.notes.end(),
                           [](const std::string& n) { return says(n, "GELU") && says(n, "up to 5e-4"); });
    };
    ModelConfig m = plain_gpt2();
    for (const Activation kind : {Activation::gelu_tanh, Activation::gelu_erf}) {
        const bool exact = kind == Activation::gelu_erf;
        const fs::path at = work / (exact ? "exact" : "tanh");
        fs::create_directory(at);
        m.activation = kind;
        Trained source(m, DType::f32);
        source.fill(11);
        save_weights(*source.model, at / "source", DType::f32);
        REQUIRE_FALSE(noted(convert_at(at / "source", at / "hf", ModelFormat::hf)));
        REQUIRE(read_model_config(at / "hf").activation == kind);
        REQUIRE(noted(convert_at(at / "source", at / "ckpt.pt", ModelFormat::nanogpt)) == !exact);
        REQUIRE(noted(convert_at(at / "source", at / "model.bin", ModelFormat::llmc)) == exact);
        // The converted model has the GELU of those programs.
        REQUIRE_FALSE(noted(convert_at(at / "ckpt.pt", at / "from-nanogpt", ModelFormat::hf)));
        REQUIRE(read_model_config(at / "from-nanogpt").activation == Activation::gelu_erf);
        REQUIRE_FALSE(noted(convert_at(at / "model.bin", at / "from-llmc", ModelFormat::hf)));
        REQUIRE(read_model_config(at / "from-llmc").activation == Activation::gelu_tanh);
        REQUIRE(noted(convert_at(at / "ckpt.pt", at / "to-llmc.bin", ModelFormat::llmc)));
        REQUIRE(noted(convert_at(at / "model.bin", at / "to-nanogpt.pt", ModelFormat::nanogpt)));
        REQUIRE_FALSE(noted(convert_at(at / "ckpt.pt", at / "again.pt", ModelFormat::nanogpt)));
    }
}

TEST_CASE("a LLaMA with grouped heads, rescaled positions and a tied or untied head is converted bit for bit") {
    for (const bool tied : {false, true}) {
        const TemporaryFolder work;
        Trained source(tiny_llama(tied), DType::bf16);
        source.fill(4);
        save_weights(*source.model, work / "source", DType::bf16, 300);  // in several files
        convert_at(work / "source", work / "back", ModelFormat::hf);
        REQUIRE(fs::exists(work / "back/model.safetensors"));
        REQUIRE(loaded_bits(work / "back", DType::bf16) == source.weight_bits());
        REQUIRE(differences(read_model_config(work / "back"), source.model->config()).empty());
    }
}

TEST_CASE("a conversion to a wider dtype is exact, and back to the narrower one restores the bits") {
    const TemporaryFolder work;
    Trained source(tiny_llama(), DType::bf16);
    source.fill(5);
    save_weights(*source.model, work / "source", DType::bf16);
    REQUIRE(convert_at(work / "source", work / "wide", ModelFormat::hf, DType::f32).dtype == DType::f32);
    REQUIRE(says(read_file(work / "wide/config.json"), "\"torch_dtype\": \"float32\""));
    REQUIRE(SafetensorsFile(work / "wide/model.safetensors").entries().front().dtype == "F32");
    convert_at(work / "wide", work / "back", ModelFormat::hf, DType::bf16);
    REQUIRE(loaded_bits(work / "back", DType::bf16) == source.weight_bits());
}

TEST_CASE("weights of mixed dtypes are written as f32, so that none is rounded") {
    const TemporaryFolder work;
    const ModelConfig m = plain_gpt2();
    Trained source(m, DType::f32);
    source.fill(6);
    save_weights(*source.model, work / "source", DType::f32);
    const fs::path path = work / "source/model.safetensors";
    {
        const SafetensorsFile whole(path);
        std::vector<SafetensorsWriter::Declared> declared;
        for (const auto& e : whole.entries())
            declared.push_back({e.name, e.name == "transformer.wpe.weight" ? "BF16" : e.dtype, e.shape});
        SafetensorsWriter mixed(work.path(), "mixed", declared);
        for (const auto& e : whole.entries())
            mixed.write(e.data, e.name == "transformer.wpe.weight" ? e.bytes / 2 : e.bytes);
        mixed.commit();
    }
    fs::rename(work / "mixed", path);
    REQUIRE(convert_at(work / "source", work / "back", ModelFormat::hf).dtype == DType::f32);
    REQUIRE(loaded_bits(work / "back", DType::f32) == loaded_bits(work / "source", DType::f32));
}

TEST_CASE("a folder's tokenizer and generation settings are copied and its config.json keeps unknown keys") {
    const TemporaryFolder work;
    Trained source(tiny_llama(), DType::f32);
    source.fill(7);
    save_weights(*source.model, work / "source", DType::f32);
    std::string config = read_file(work / "source/config.json");
    config.insert(1, "\"attention_dropout\": 0.125, ");
    write_file_atomically(work / "source/config.json", config);
    write_file_atomically(work / "source/generation_config.json", "{\"temperature\": 0.6}");
    write_file_atomically(work / "source/tokenizer.json", "{}");
    write_file_atomically(work / "source/notes.txt", "not copied");
    const Converted done = convert_at(work / "source", work / "back", ModelFormat::hf);
    REQUIRE(done.notes.empty());
    REQUIRE(read_file(work / "back/tokenizer.json") == "{}");
    REQUIRE(read_file(work / "back/generation_config.json") == "{\"temperature\": 0.6}");
    REQUIRE(says(read_file(work / "back/config.json"), "\"attention_dropout\": 0.125"));
    REQUIRE_FALSE(fs::exists(work / "back/notes.txt"));
}

TEST_CASE("a model without biases is read from nanoGPT with zero biases and written back without them") {
    const TemporaryFolder work;
    Trained source(plain_gpt2(), DType::f32);
    source.fill(8);
    for (const Weight& w : source.model->weights())
        if (w.name.ends_with("_b") || w.name.ends_with(".bias")) std::memset(w.value.data, 0, w.value.bytes());
    write_nanogpt(*source.model, work / "ckpt.pt");
    const TorchFile file(work / "ckpt.pt");
    REQUIRE(file.root().find("model_args")->find("bias")->integer == 0);
    for (const auto& [name, value] : file.root().find("model")->entries) REQUIRE_FALSE(name->text.ends_with(".bias"));
    const ForeignModel read = read_nanogpt(memory_ops(), work / "ckpt.pt", {});
    REQUIRE(bits_of(*read.model) == source.weight_bits());
}

TEST_CASE("what llm.c reads begins with its magic and pads the vocabulary with zeros to a multiple of 128") {
    const TemporaryFolder work;
    const ModelConfig m = plain_gpt2();
    Trained source(m, DType::f32);
    source.fill(9);
    write_llmc(*source.model, work / "model.bin");
    const std::string file = read_file(work / "model.bin");
    const uint32_t header[] = {20240326,      3,  uint32_t(m.context), uint32_t(m.V), uint32_t(m.L), uint32_t(m.H),
                               uint32_t(m.C), 128};
    for (size_t i = 0; i < 8; ++i) REQUIRE(file.substr(4 * i, 4) == bits_of_number(header[i]));
    const size_t row = size_t(m.C) * 4, wte = 1024, padding = wte + size_t(m.V) * row, wpe = wte + 128 * row;
    REQUIRE(file.substr(padding, wpe - padding) == std::string(wpe - padding, '\0'));
    const Tensor positions =
        source.model->weights()[0].name == "wpe" ? source.model->weights()[0].value : source.model->weights()[1].value;
    REQUIRE(file.substr(wpe, positions.bytes()) ==
            std::string(static_cast<const char*>(positions.data), positions.bytes()));
    // 12 C² + 13 C for each layer, embeddings, the final norm
    const size_t numbers = size_t((128 + m.context) * m.C + m.L * (12 * m.C * m.C + 13 * m.C) + 2 * m.C);
    REQUIRE(file.size() == 1024 + 4 * numbers);
}

TEST_CASE("the first version of llm.c's file, with a vocabulary that is not padded, is read too") {
    const TemporaryFolder work;
    const ModelConfig m = plain_gpt2();
    Trained source(m, DType::f32);
    source.fill(10);
    write_llmc(*source.model, work / "model.bin");
    std::string file = read_file(work / "model.bin");
    const size_t row = size_t(m.C) * 4;
    file.erase(1024 + size_t(m.V) * row, size_t(128 - m.V) * row);
    file.replace(4, 4, bits_of_number(1));
    file.replace(28, 4, bits_of_number(0));
    write_file_atomically(work / "first.bin", file);
    REQUIRE(bits_of(*read_llmc(memory_ops(), work / "first.bin", {}).model) == source.weight_bits());
}

TEST_CASE("a vocabulary of GPT-2's size ends its texts with GPT-2's token, and another has no such token") {
    const TemporaryFolder work;
    ModelConfig m = plain_gpt2();
    for (const auto& [vocabulary, end] : {std::pair{50257, 50256}, {50304, 50256}, {50258, -1}}) {
        m.V = vocabulary;
        m.C = 2;
        m.D = 1;
        m.F = 8;
        const auto model = make_language_model(memory_ops(), m, DType::bf16);
        const fs::path path = work / std::to_string(vocabulary);
        write_llmc(*model, path);
        REQUIRE(read_llmc(memory_ops(), path, {}).model->config().end_of_text == end);
    }
}
