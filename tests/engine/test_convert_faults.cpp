// Truncated, damaged or hostile checkpoints of nanoGPT and llm.c, and destinations that cannot be written: an Error or
// success, and never an incomplete result.
#include <sys/resource.h>

#include <csignal>
#include <cstring>
#include <random>

#include "engine/convert/convert.h"
#include "engine/convert/llmc_file.h"
#include "engine/convert/torch_file.h"
#include "tests/engine/convert_testing.h"

#include <catch2/catch.hpp>

using namespace gradus;
using namespace gradus::testing;

namespace {

void put(const fs::path& path, std::string_view content) {  // without fsync, since there are thousands
    std::FILE* file = std::fopen(path.c_str(), "wb");
    REQUIRE(file);
    REQUIRE(std::fwrite(content.data(), 1, content.size(), file) == content.size());
    REQUIRE(std::fclose(file) == 0);
}

std::string as_bytes(uint32_t n) { return {reinterpret_cast<const char*>(&n), sizeof n}; }

// A small file with some bytes changed, its end cut off, or a piece repeated or removed.
std::string damaged(std::string file, std::mt19937& random, size_t changed_within) {
    auto below = [&](size_t n) { return size_t(random()) % n; };
    switch (below(5)) {
        case 0: file.resize(below(file.size())); break;
        case 1: file.erase(below(file.size()), 1 + below(40)); break;
        case 2: file.insert(below(file.size()), file.substr(below(file.size()), 1 + below(40))); break;
        default:
            for (size_t flips = 1 + below(4); flips > 0; --flips) {
                const size_t within = below(2) ? file.size() : std::min(changed_within, file.size());
                file[below(within)] = char(below(3) ? random() : (below(2) ? 0xff : 0));
            }
    }
    return file;
}

// Reads damaged copies and counts the refused ones. Any other exception than Error fails the test.
template <class Read>
int refused_of(int copies, const std::string& whole, size_t changed_within, Read&& read) {
    const TemporaryFolder work;
    std::mt19937 random(11);
    int refused = 0;
    for (int i = 0; i < copies; ++i) {
        put(work / "damaged", damaged(whole, random, changed_within));
        try {
            read(work / "damaged");
        } catch (const Error& e) {
            ++refused;
            REQUIRE_FALSE(e.cause.empty());
            REQUIRE_FALSE(e.fix.empty());
        }
    }
    return refused;
}

// A zip archive in torch.save's format around a pickle.
std::string archive(const fs::path& folder, const std::string& pickle) {
    ZipWriter zip(folder / "archive.pt");
    zip.add("archive/data.pkl", pickle);
    zip.add("archive/data/0", std::string(16, '\1'));
    zip.commit();
    return read_file(folder / "archive.pt");
}

std::string global(const std::string& module, const std::string& name) { return "c" + module + "\n" + name + "\n"; }

std::string unicode(const std::string& text) { return "X" + as_bytes(uint32_t(text.size())) + text; }

// The pickle of one tensor over a storage of four floats; sizes and strides as instructions that push numbers.
std::string tensor(const std::string& elements, const std::string& first, const std::string& shape,
                   const std::string& stride) {
    return "\x80\x02" + global("torch._utils", "_rebuild_tensor_v2") + "((" + unicode("storage") +
           global("torch", "FloatStorage") + unicode("0") + unicode("cpu") + elements + "tQ" + first + "(" + shape +
           "t(" + stride + "t\x89" + global("collections", "OrderedDict") + ")RtR.";
}

std::string refusal_of_tensor(const fs::path& folder, const std::string& pickle) {
    archive(folder, pickle);
    return refusal([&] {
        const TorchFile file(folder / "archive.pt");
        file.tensor(file.root(), "w");
    });
}

}  // namespace

TEST_CASE("five thousand damaged copies of a PyTorch checkpoint are refused or read, without crashes") {
    const std::string whole = read_file(goldens / "ckpt.pt");
    const int refused =
        refused_of(5000, whole, 4096, [](const fs::path& path) { read_nanogpt(memory_ops(), path, {}); });
    REQUIRE(refused > 1000);
    REQUIRE(refused < 5000);  // a flipped bit of a weight cannot be detected
}

TEST_CASE("five thousand damaged pickles in a valid archive are refused or read, without crashes") {
    const TemporaryFolder work;
    const std::string pickle(ZipFile(goldens / "ckpt.pt").find("ckpt/data.pkl")->text());
    const int refused = refused_of(5000, pickle, pickle.size(), [&](const fs::path& path) {
        ZipWriter zip(work / "around.pt");
        zip.add("a/data.pkl", read_file(path));
        zip.commit();
        const TorchFile file(work / "around.pt");
    });
    REQUIRE(refused > 1000);
}

TEST_CASE("five thousand damaged copies of a checkpoint of llm.c are refused or read, without crashes") {
    const TemporaryFolder work;
    Trained source(plain_gpt2(), DType::bf16);
    source.fill(2);
    write_llmc(*source.model, work / "model.bin");
    const int refused = refused_of(5000, read_file(work / "model.bin"), 32,
                                   [](const fs::path& path) { read_llmc(memory_ops(), path, {}); });
    REQUIRE(refused > 1000);
    REQUIRE(refused < 5000);
}

TEST_CASE("a pickle that would call a function is refused with the function's name") {
    const TemporaryFolder work;
    for (const auto& [module, name] : {std::pair<std::string, std::string>{"os", "system"},
                                       {"builtins", "eval"},
                                       {"torch", "load"},
                                       {"collections", "defaultdict"},
                                       {"torch._utils _rebuild_tensor_v2", ""}}) {
        archive(work.path(), "\x80\x02" + global(module, name) + unicode("ls") + "\x85R.");
        const std::string text = refusal([&] { TorchFile file(work / "archive.pt"); });
        INFO(text);
        REQUIRE(says(text, "refers to '" + module + "." + name + "'"));
    }
}

TEST_CASE("a pickle that torch.save cannot have written is refused with the reason") {
    const TemporaryFolder work;
    const std::string zero("\0", 1), start = "\x80\x02";
    const std::pair<std::string, const char*> lies[] = {
        {"", "cut short"},
        {start, "cut short"},
        {start + ".", "pops from an empty stack"},
        {"\x80\x05N.", "protocol 5"},
        {start + "0.", "instruction 0x30 at byte 2"},
        {start + "\x93.", "instruction 0x93"},
        {start + "t.", "no mark"},
        {start + "(N(t.", "not empty"},
        {start + "NN.", "not empty"},
        {start + "h\x07.", "memo entry 7, which was never written"},
        {start + "NK\x01s.", "pops from an empty stack"},
        {start + "]K\x01K\x02s.", "a list instead of a dictionary"},
        {start + "}(K\x01u.", "a key without a value"},
        {start + "X\xff\xff\xff\xff"
                 "abc.",
         "cut short"},
        {start + "\x8a\x09"
                 "123456789.",
         "9 bytes"},
        {start + "NQ.", "a storage in another way"},
        {start + global("collections", "OrderedDict") + "K\x01\x85R.", "with unexpected arguments"},
        {start + "NNR.", "calls None with None"},
        {start + std::string(1'000'001, ']') + ".", "more than a million values"},
        {start + std::string(5 << 20, '0'), "the limit is 4194304"}};
    for (const auto& [pickle, named] : lies) {
        archive(work.path(), pickle);
        const std::string text = refusal([&] { TorchFile file(work / "archive.pt"); });
        INFO(text);
        REQUIRE(says(text, named));
        REQUIRE(says(text, "archive.pt"));
    }
}

TEST_CASE("a pickle with a dictionary that contains itself is read, and no model is found in it") {
    const TemporaryFolder work;
    archive(work.path(), "\x80\x02}q\x01" + unicode("model") + "h\x01s" + unicode("model_args") + "h\x01s.");
    REQUIRE(says(refusal([&] { read_nanogpt(memory_ops(), work / "archive.pt", {}); }), "no 'n_layer'"));
}

TEST_CASE("a tensor that exceeds or repeats its storage is refused") {
    const TemporaryFolder work;
    const std::string four = "K\x04", two = "K\x02", one = "K\x01", none("K\0", 2), huge = "J\xff\xff\xff\x7f";
    REQUIRE(refusal_of_tensor(work.path(), tensor(four, none, two + two, two + one)) == "");
    REQUIRE(refusal_of_tensor(work.path(), tensor(four, none, two + two, one + two)) == "");
    REQUIRE(refusal_of_tensor(work.path(), tensor(four, none, "", "")) == "");
    REQUIRE(refusal_of_tensor(work.path(), tensor(four, none, none + huge, one + one)) == "");  // no elements at all
    const std::string lies[] = {tensor(four, one, two + two, two + one),                        // one element too far
                                tensor(four, none, two + two, "K\x03" + one),  // the last row is too far
                                tensor(four, none, huge, none),                // an expanded element
                                tensor(four, none, huge + huge + huge, one + one + one),
                                tensor(four, none, two + two, huge + huge),
                                tensor(four, huge, one, one),
                                tensor("K\x05", none, one, one)};  // a longer storage than the file has
    for (const std::string& lie : lies) {
        const std::string text = refusal_of_tensor(work.path(), lie);
        INFO(text);
        REQUIRE(says(text, "'w'"));
    }
}

TEST_CASE("an archive with wrong records about its members is refused") {
    const TemporaryFolder work;
    ZipWriter zip(work / "whole");
    zip.add("a/data.pkl", "\x80\x02}.");
    zip.commit();
    const std::string whole = read_file(work / "whole");
    REQUIRE(refusal([&] { ZipFile file(work / "whole"); }) == "");
    const size_t directory = whole.find("PK\1\2"), end = whole.find("PK\5\6");
    struct Lie {
        size_t place;
        uint32_t value;
        const char* named;
    };
    for (const Lie& lie : {Lie{directory + 8, 1, "encrypted"},
                           {directory + 10, 8, "compressed"},
                           {directory + 20, 3, "compressed"},
                           {directory + 42, 7, "not at the recorded offset"},
                           {directory + 42, 1u << 30, "the file has"},
                           {end + 16, 5, "an invalid entry"},
                           {end + 16, 1u << 30, "its directory would end"},
                           {end + 10, 9, "too short for"},
                           {end, 0, "no end record"}}) {
        std::string file = whole;
        file.replace(lie.place, 4, as_bytes(lie.value));
        put(work / "lie", file);
        const std::string text = refusal([&] { ZipFile opened(work / "lie"); });
        INFO(text);
        REQUIRE(says(text, lie.named));
    }
}

TEST_CASE("a wrong header of llm.c is refused with its values") {
    const TemporaryFolder work;
    Trained source(plain_gpt2(), DType::f32);
    write_llmc(*source.model, work / "whole");
    const std::string whole = read_file(work / "whole");
    struct Lie {
        size_t number;
        uint32_t value;
        const char* named;
    };
    for (const Lie& lie : {Lie{0, 20240327, "begins with 20240327"},
                           {1, 2, "version 2"},
                           {2, 7, "must have"},
                           {2, 0xffffffff, "context = -1"},
                           {3, 129, "is padded to 128"},
                           {4, 0xffffffff, "layers = -1"},
                           {4, 2'000'000'000, "layers = 2000000000"},
                           {4, 9999, "9999 layers"},
                           {5, 3, "do not divide"},
                           {5, 0, "heads = 0"},
                           {6, 1 << 20, "head width"},
                           {6, 512, "must have"},
                           {6, 0x7fffffff, "width"},
                           {7, 127, "must have"},
                           {7, 0x7fffffff, "padded to 2147483647"}}) {
        std::string file = whole;
        file.replace(4 * lie.number, 4, as_bytes(lie.value));
        put(work / "lie", file);
        const std::string text = refusal([&] { read_llmc(memory_ops(), work / "lie", {}); });
        INFO(lie.number << " = " << lie.value << ": " << text);
        REQUIRE(says(text, lie.named));
        REQUIRE(says(text, "/lie"));
    }
}

TEST_CASE("a model that another program does not support is refused with the reason, and nothing is written") {
    const TemporaryFolder work;
    ModelConfig untied = plain_gpt2(), wide = plain_gpt2(), other_eps = plain_gpt2();
    untied.tied = false;
    wide.F += 8;
    other_eps.norm.eps = 1e-6;
    for (const auto& [m, named] : {std::pair{tiny_llama(), "not a GPT-2"},
                                   {untied, "head is not the token embedding"},
                                   {wide, "feed-forward layer is 40 wide"},
                                   {other_eps, "1e-5"}}) {
        Trained source(m, DType::f32);
        for (const bool llmc : {false, true}) {
            const std::string text = refusal([&] {
                if (llmc) write_llmc(*source.model, work / "out");
                else write_nanogpt(*source.model, work / "out");
            });
            REQUIRE(says(text, named));
            REQUIRE(says(text, llmc ? "llm.c" : "nanoGPT"));
            REQUIRE(names_in(work.path()).empty());
        }
    }
}

TEST_CASE("a destination that exists, or has no parent folder, is refused before anything is read") {
    const TemporaryFolder work;
    fs::create_directory(work / "full");
    fs::create_directory(work / "empty");
    put(work / "full/file", "kept");
    const FoundModel source = find_model(goldens / "ckpt.pt");
    auto attempt = [&](const char* to, ModelFormat format) {
        return refusal([&] { convert_model(memory_ops(), source, work / to, {.to = format}); });
    };
    REQUIRE(says(attempt("full", ModelFormat::hf), "already exists"));
    REQUIRE(says(attempt("full/file", ModelFormat::hf), "already exists"));
    REQUIRE(says(attempt("full/file", ModelFormat::llmc), "already exists"));
    REQUIRE(says(attempt("empty", ModelFormat::llmc), "already exists"));
    REQUIRE(says(attempt("absent/file", ModelFormat::llmc), "mkdir -p"));
    REQUIRE(read_file(work / "full/file") == "kept");
    REQUIRE(attempt("empty", ModelFormat::hf) == "");
    REQUIRE(fs::exists(work / "empty/model.safetensors"));
    REQUIRE(names_in(work.path()) == std::vector<std::string>{"empty", "full"});
}

TEST_CASE("a full disk leaves nothing of a conversion, and leftovers of a killed one are removed by the next") {
    const TemporaryFolder work;
    const FoundModel source = find_model(goldens / "ckpt.pt");
    for (const ModelFormat format : {ModelFormat::hf, ModelFormat::nanogpt, ModelFormat::llmc}) {
        const FileSizeLimit limit(2000);
        const std::string text = refusal([&] { convert_model(memory_ops(), source, work / "out", {.to = format}); });
        INFO(text);
        REQUIRE(says(text, "cannot write"));
        REQUIRE(names_in(work.path()).empty());
    }
    fs::create_directory(work / "out.tmp4194305");  // above the largest process id
    put(work / "out.tmp4194305/model.safetensors", "half");
    put(work / "out.tmporary", "not ours");
    convert_model(memory_ops(), source, work / "out", {});
    REQUIRE(names_in(work.path()) == std::vector<std::string>{"out", "out.tmporary"});
}

TEST_CASE("a file that is not a model is refused with what was expected") {
    const TemporaryFolder work;
    put(work / "text", "no model at all");
    put(work / "empty", "");
    fs::create_directory(work / "folder");
    REQUIRE(says(refusal([&] { find_model(work / "text"); }), "20240326"));
    REQUIRE(says(refusal([&] { find_model(work / "empty"); }), "20240326"));
    REQUIRE(says(refusal([&] { find_model(work / "folder"); }), "neither config.json nor ckpt.pt"));
    REQUIRE(says(refusal([&] { find_model(work / "absent"); }), "no such file"));
    REQUIRE(says(refusal([&] { find_model("/dev/null"); }), "neither a file nor a folder"));
}

TEST_CASE("too few weights for their config.json are refused before memory is allocated") {
    const TemporaryFolder work;
    Trained source(plain_gpt2(), DType::f32);
    save_weights(*source.model, work / "source", DType::f32);
    std::string config = read_file(work / "source/config.json");
    const std::string small = "\"vocab_size\": 13", large = "\"vocab_size\": 16000000";
    REQUIRE(says(config, small));
    config.replace(config.find(small), small.size(), large);
    put(work / "source/config.json", config);
    const std::string text =
        refusal([&] { convert_model(memory_ops(), find_model(work / "source"), work / "out", {}); });
    REQUIRE(says(text, "describes"));
    REQUIRE_FALSE(fs::exists(work / "out"));
}
