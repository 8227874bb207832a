#include "engine/convert/convert.h"

#include <set>

#include "engine/base/json_text.h"
#include "engine/base/new_folder.h"
#include "engine/checkpoint/elements.h"
#include "engine/checkpoint/safetensors.h"
#include "engine/convert/llmc_file.h"
#include "engine/convert/nanogpt.h"

namespace gradus {

namespace {

// Files of a Hugging Face folder that are copied: for the tokenizer and for sampling.
constexpr const char* companions[] = {
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",     "vocab.json",
    "merges.txt",     "tokenizer.model",       "chat_template.jinja",     "generation_config.json"};

bool is_file(const fs::path& path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored);
}

// The safetensors files of a folder: one, or those that the index names.
std::vector<fs::path> weight_files(const fs::path& folder) {
    if (is_file(folder / "model.safetensors")) return {folder / "model.safetensors"};
    const fs::path index = folder / "model.safetensors.index.json";
    if (!is_file(index)) return {};  // load_weights() reports it
    const nlohmann::json listed = parse_json(read_file(index), index.string(), "copy or download the folder again");
    std::set<std::string> named;
    if (listed.is_object() && listed.contains("weight_map") && listed["weight_map"].is_object())
        for (const auto& [name, file] : listed["weight_map"].items())
            if (file.is_string()) named.insert(file.get<std::string>());
    std::vector<fs::path> all;
    std::error_code end;
    for (fs::directory_iterator at(folder, end), last; !end && at != last; at.increment(end))
        if (named.count(at->path().filename().string()) && is_file(at->path())) all.push_back(at->path());
    return all;
}

struct Stored {
    DType dtype = DType::f32;
    std::string note;  // empty: the conversion is exact
};

// The dtype of the stored weights. Checks, before anything is allocated, that there are as many as config.json
// describes.
Stored stored_weights(const fs::path& folder, const ModelConfig& m) {
    std::set<std::string> dtypes;
    int64_t elements = 0;
    for (const fs::path& path : weight_files(folder)) {
        const SafetensorsFile file(path);
        for (const SafetensorsFile::Entry& e : file.entries())
            if (element_of(e.dtype)) {
                dtypes.insert(e.dtype);
                elements += int64_t(e.bytes / *stored_size(e.dtype));
            }
    }
    if (!dtypes.empty() && elements < parameter_count(m))
        throw Error("'" + folder.string() + "' is not a complete model",
                    "its config.json describes " + std::to_string(parameter_count(m)) +
                        " weights, and its files have " + std::to_string(elements),
                    "copy or download the folder again");
    if (dtypes == std::set<std::string>{"BF16"}) return {DType::bf16, ""};
    if (dtypes.count("F64")) return {DType::f32, "weights stored as F64 were rounded to f32"};
    if (dtypes.count("F16")) return {DType::f32, "weights stored as F16 are written as f32, which is exact"};
    return {};
}

ForeignModel read_hf(const Ops& ops, const fs::path& folder, std::optional<DType> dtype) {
    FolderModel described = describe_model(folder);
    const Stored stored = stored_weights(folder, described.config);
    ForeignModel read = {make_language_model(ops, described.config, dtype.value_or(stored.dtype)),
                         std::move(described.notes)};
    if (!dtype && !stored.note.empty()) read.notes.push_back(stored.note);
    const std::vector<std::string> unused = load_weights(*read.model, folder);
    if (!unused.empty())
        read.notes.push_back(std::to_string(unused.size()) + " tensors of '" + folder.string() +
                             "' are not part of the model and were left out, such as " + unused.front());
    return read;
}

ForeignModel read_model(const Ops& ops, const FoundModel& source, std::optional<DType> dtype) {
    switch (source.format) {
        case ModelFormat::hf: return read_hf(ops, source.path, dtype);
        case ModelFormat::nanogpt: return read_nanogpt(ops, source.path, dtype);
        case ModelFormat::llmc: return read_llmc(ops, source.path, dtype);
    }
    check_failed("a known format", __FILE__, __LINE__, "");
}

fs::path parent_of(const fs::path& path) { return path.parent_path().empty() ? "." : path.parent_path(); }

void require_free(const fs::path& destination, ModelFormat to) {
    std::error_code ignored;
    if (!destination.has_filename())
        throw Error("'" + destination.string() + "' is not a name for a model", "it ends with a slash",
                    "give a name without a slash at its end");
    if (!fs::is_directory(parent_of(destination), ignored))
        throw Error("cannot write '" + destination.string() + "'",
                    "there is no folder '" + parent_of(destination).string() + "'",
                    "mkdir -p " + parent_of(destination).string());
    if (!fs::exists(fs::symlink_status(destination, ignored))) return;
    if (to == ModelFormat::hf && fs::is_directory(destination, ignored) && fs::is_empty(destination, ignored)) return;
    throw Error("'" + destination.string() + "' already exists",
                to == ModelFormat::hf ? "a model is written to a new or an empty folder"
                                      : std::string("a checkpoint of ") + name_of(to) + " is written to a new file",
                "choose another name, or remove it first");
}

// Copies the source's config.json, which may have keys that ModelConfig lacks (for example the begin-of-text id). Only
// the dtype may differ, and tie_word_embeddings if the source's tensors are untied.
void carry_config(const fs::path& from, const fs::path& to, const LanguageModel& model) {
    nlohmann::json config = parse_json(read_file(from / "config.json"), (from / "config.json").string(),
                                       "copy or download the folder again");
    for (const char* key : {"torch_dtype", "dtype"})
        if (config.contains(key)) config[key] = torch_name(model.run.dtype);
    if (!model.config().tied) config["tie_word_embeddings"] = false;
    write_file_atomically(to / "config.json", config.dump(2) + "\n");
}

void write_hf(const LanguageModel& model, const FoundModel& source, const fs::path& destination,
              const ConvertOptions& options) {
    NewFolder fresh(destination, temporary_name(destination));
    save_weights(model, fresh.path(), model.run.dtype, options.shard_limit);
    if (source.format == ModelFormat::hf) {
        carry_config(source.path, fresh.path(), model);
        fs::remove(fresh.path() /
                   "generation_config.json");  // else its end-of-text ids would override those of config.json
        for (const char* name : companions)
            if (is_file(source.path / name)) write_file_atomically(fresh.path() / name, read_file(source.path / name));
    }
    fresh.publish();
}

// Notes that the other program has a different GELU.
void note_activation(std::vector<std::string>& notes, Activation ours, ModelFormat to) {
    const bool exact = ours == Activation::gelu_erf;
    if ((to == ModelFormat::nanogpt && exact) || (to == ModelFormat::llmc && !exact) || to == ModelFormat::hf) return;
    const char *erf = "the error function", *tanh = "tanh";
    notes.push_back(std::string("this GPT-2 computes GELU with ") + (exact ? erf : tanh) + ", and " + name_of(to) +
                    " with " + (exact ? tanh : erf) + ": activations differ by up to 5e-4");
}

// Notes about the tokenizer, and about ids that the other program assumes.
void note_tokenizer(std::vector<std::string>& notes, const FoundModel& source, const ModelConfig& m, ModelFormat to) {
    if (source.format == ModelFormat::hf && to != ModelFormat::hf && is_file(source.path / "tokenizer.json"))
        notes.push_back(std::string("a checkpoint of ") + name_of(to) + " has no tokenizer; the one in '" +
                        source.path.string() + "' is not copied");
    if (source.format != ModelFormat::hf && to == ModelFormat::hf)
        notes.push_back(std::string("a checkpoint of ") + name_of(source.format) +
                        " has no tokenizer: put the tokenizer.json of its data into the folder before generating" +
                        (m.end_of_text >= 0 ? ", which is GPT-2's judging by the size of the vocabulary" : ""));
    constexpr int gpt2_end = 50256;
    if (to == ModelFormat::llmc && m.V <= gpt2_end)
        notes.push_back("llm.c begins its samples with token 50256, which a vocabulary of " + std::to_string(m.V) +
                        " does not have: train without sampling there");
}

}  // namespace

const char* name_of(ModelFormat format) {
    switch (format) {
        case ModelFormat::hf: return "Hugging Face";
        case ModelFormat::nanogpt: return "nanoGPT";
        case ModelFormat::llmc: return "llm.c";
    }
    return "";
}

FoundModel find_model(const fs::path& path) {
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) {
        if (fs::exists(path / "config.json", ignored)) return {ModelFormat::hf, path};
        if (is_file(path / "ckpt.pt")) return {ModelFormat::nanogpt, path / "ckpt.pt"};
        throw Error("there is no model in '" + path.string() + "'", "it has neither config.json nor ckpt.pt",
                    "give a folder that has one, or a file of nanoGPT or llm.c");
    }
    if (!fs::exists(path, ignored))
        throw Error("there is no model '" + path.string() + "'", "no such file or folder",
                    "give a run, a Hugging Face folder, a ckpt.pt of nanoGPT or a .bin of llm.c");
    if (!is_file(path))
        throw Error("'" + path.string() + "' is not a model", "it is neither a file nor a folder",
                    "give a run, a Hugging Face folder, a ckpt.pt of nanoGPT or a .bin of llm.c");
    const MappedFile file(path);
    if (file.text().starts_with("PK")) return {ModelFormat::nanogpt, path};
    if (begins_as_llmc(file.text())) return {ModelFormat::llmc, path};
    const bool inside = path.extension() == ".safetensors" || path.extension() == ".json";
    throw Error("'" + path.string() + "' is not a model of a known format",
                "it is neither a zip archive of PyTorch nor begins with llm.c's magic number 20240326",
                inside ? "give its folder: " + parent_of(path).string()
                       : "give a run, a Hugging Face folder, a ckpt.pt of nanoGPT or a .bin of llm.c");
}

Converted convert_model(const Ops& ops, const FoundModel& source, const fs::path& destination,
                        const ConvertOptions& options) {
    require_free(destination, options.to);
    ForeignModel read = read_model(ops, source, options.dtype);
    const LanguageModel& model = *read.model;
    remove_stale_temporaries_of(destination);
    switch (options.to) {
        case ModelFormat::hf: write_hf(model, source, destination, options); break;
        case ModelFormat::nanogpt: write_nanogpt(model, destination); break;
        case ModelFormat::llmc: write_llmc(model, destination); break;
    }
    note_activation(read.notes, model.config().activation, options.to);
    if (source.format == ModelFormat::nanogpt && options.to == ModelFormat::nanogpt) read.notes.clear();
    note_tokenizer(read.notes, source, model.config(), options.to);
    return {model.config(), model.run.dtype, std::move(read.notes)};
}

}  // namespace gradus
