// gradus convert: converts a model between the file formats of several programs.
#include <fmt/format.h>

#include <charconv>

#include "engine/base/log.h"
#include "engine/base/one_line.h"
#include "engine/convert/convert.h"
#include "tools/cli.h"
#include "tools/model_folder.h"

namespace gradus {

namespace {

struct Unit {
    std::string_view name;
    uint64_t bytes;
};
constexpr Unit units[] = {{"", 1},          {"B", 1},         {"KB", 1000},    {"MB", 1000'000}, {"GB", 1'000'000'000},
                          {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};

// In the largest unit that it is a multiple of.
std::string text_of_size(uint64_t bytes) {
    Unit best = units[0];
    for (const Unit& u : units)
        if (bytes % u.bytes == 0 && u.bytes > best.bytes) best = u;
    return fmt::format("{}{}", bytes / best.bytes, best.name);
}

// "5GB", "500 MB", "2GiB", "1000000"
uint64_t parse_size(const std::string& text) {
    uint64_t count = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), count);
    std::string_view unit(end, size_t(text.data() + text.size() - end));
    while (unit.starts_with(" ")) unit.remove_prefix(1);
    for (const Unit& u : units) {
        uint64_t bytes = 0;
        if (problem == std::errc() && unit == u.name && !__builtin_mul_overflow(count, u.bytes, &bytes) && bytes > 0)
            return bytes;
    }
    throw Error("--shard-size " + text + " is not a size",
                "it must be a whole number above 0, with B, KB, MB, GB, KiB, MiB or GiB",
                "--shard-size " + text_of_size(default_shard_limit));
}

// The words of --to.
constexpr std::pair<const char*, ModelFormat> formats[] = {
    {"hf", ModelFormat::hf}, {"nanogpt", ModelFormat::nanogpt}, {"llmc", ModelFormat::llmc}};

std::vector<std::string> format_words() {
    std::vector<std::string> words;
    for (const auto& [word, format] : formats) words.emplace_back(word);
    return words;
}

std::string word_of(ModelFormat format) {
    for (const auto& [word, f] : formats)
        if (f == format) return word;
    check_failed("a word for every format", __FILE__, __LINE__, name_of(format));
}

struct ConvertCommand {
    std::string source, destination, dtype;
    std::string to = word_of(ConvertOptions{}.to), shard_size = text_of_size(ConvertOptions{}.shard_limit);
};

// read(the model); a folder that is not a model may be a run.
template <class Read>
auto read_source(const std::string& path, Read&& read) {
    std::error_code ignored;
    const bool folder = fs::is_directory(path, ignored);
    if (!folder || fs::exists(fs::path(path) / "ckpt.pt", ignored)) return read(find_model(path));
    return read_model(path, VerifyLevel::model, [&](const LockedFolder& held) { return read(find_model(held.path)); });
}

void convert(const ConvertCommand& o, bool sharded) {
    ConvertOptions options;
    for (const auto& [word, format] : formats)
        if (o.to == word) options.to = format;
    options.shard_limit = parse_size(o.shard_size);
    if (sharded && options.to != ModelFormat::hf)
        throw Error("--shard-size cannot be combined with --to " + o.to, "a checkpoint of " + o.to + " is one file",
                    "remove --shard-size");
    if (!o.dtype.empty()) options.dtype = parse_dtype(o.dtype);
    fs::path destination = o.destination;
    if (options.to == ModelFormat::hf && !destination.has_filename()) destination = destination.parent_path();
    use_threads();
    fs::path source;
    const Converted done = read_source(o.source, [&](const FoundModel& found) {
        source = found.path;
        return convert_model(cpu_ops(), found, destination, options);
    });
    for (const std::string& text : done.notes) note(text);
    fmt::print("{}: {} layers, width {}, vocabulary {}: {} parameters in {}, from {}\n",
               on_one_line(destination.string()), done.config.L, done.config.C, done.config.V,
               text_of_whole(parameter_count(done.config)), name_of(done.dtype), on_one_line(source.string()));
}

}  // namespace

void add_convert_command(CLI::App& app) {
    auto o = std::make_shared<ConvertCommand>();
    CLI::App* command = app.add_subcommand(
        "convert",
        "Converts a model between a Hugging Face folder (GPT-2, LLaMA), a nanoGPT checkpoint (ckpt.pt) and an "
        "llm.c\n"
        "checkpoint (.bin). The format of SRC is detected from its content. A tokenizer in SRC is "
        "copied.\n\n"
        "Example: gradus convert runs/first first-hf --dtype bf16");
    command->add_option("SRC", o->source, "a run (its latest checkpoint), a Hugging Face folder, a ckpt.pt or a .bin")
        ->required();
    command->add_option("DST", o->destination, "hf: a new or empty folder; nanogpt, llmc: a new file")->required();
    command->add_option("--to", o->to, "what to write: hf, nanogpt or llmc")
        ->check(one_of_words(format_words()))
        ->capture_default_str();
    command->add_option("--dtype", o->dtype, "dtype of the stored weights: f32 or bf16; default: as in SRC")
        ->check(one_of_setting("train.dtype"));
    CLI::Option* shard = command->add_option("--shard-size", o->shard_size, "hf: maximum bytes of weights per file")
                             ->capture_default_str();
    command->callback([o, shard] { convert(*o, shard->count() > 0); });
}

}  // namespace gradus
