#include "tools/eval_data.h"

#include <algorithm>

#include <fmt/format.h>

#include "data/readers.h"
#include "engine/base/plural.h"
#include "engine/checkpoint/manifest.h"
#include "tools/train/data.h"

namespace gradus {

namespace {

std::vector<int32_t> stream_of(const std::vector<std::string>& files, const std::string& text_key,
                               const Tokenizer& tokenizer) {
    std::vector<int32_t> ids;
    bool first = true;
    for (const Document& document : read_documents({files.begin(), files.end()}, text_key)) {
        if (!first && tokenizer.end_of_text()) ids.push_back(*tokenizer.end_of_text());
        first = false;
        tokenizer.encode_append(document.text, ids);
    }
    if (ids.size() < 2)
        throw Error(
            "there is nothing to predict",
            fmt::format("the text has {}, but the first is not predicted", number_of(int64_t(ids.size()), "token")),
            "use --text FILE with more text");
    return ids;
}

// The settings of the run that the checkpoint belongs to.
Config recipe_of(const ModelFolder& m) {
    std::error_code ignored;
    if (!fs::exists(m.folder / manifest_name, ignored))
        throw Error("'" + m.named + "' has no validation data",
                    "it is neither a run of gradus pretrain nor a checkpoint of one",
                    "name a text: gradus eval " + m.named + " --text FILE");
    Config config;
    apply_settings(config, parse_settings(read_manifest(m.folder).state.recipe, "the checkpoint's recipe"));
    return config;
}

std::vector<fs::path> shards_of(const Config& config, const ModelFolder& m) {
    std::vector<fs::path> prefixes = validation_shards(config);
    if (!prefixes.empty()) return prefixes;
    std::error_code ignored;
    const std::string expected = (fs::path(config.data.dir) / "val").string();
    throw Error("the validation data of '" + m.named + "' does not exist",
                config.data.dir.empty() ? "its recipe has neither data.val nor data.dir"
                                        : fmt::format("there is no {0}.bin with {0}.idx, relative to {1}", expected,
                                                      fs::current_path(ignored).string()),
                "run the command in the folder where the run was started, or name a text: gradus eval " + m.named +
                    " --text FILE");
}

}  // namespace

EvalData windows_of_texts(const std::vector<std::string>& files, const std::string& text_key, const ModelFolder& m,
                          int T) {
    std::vector<int32_t> ids = stream_of(files, text_key, m.tokenizer);
    const int64_t predicted = int64_t(ids.size()) - 1;
    T = int(std::min<int64_t>(T, predicted));
    const NextBatch next = [ids = std::move(ids), predicted, T](int64_t first, HostBatch& batch) {
        for (int64_t i = 0; i < int64_t(batch.tokens.size()) && first * T + i < predicted; ++i) {
            batch.tokens[size_t(i)] = ids[size_t(first * T + i)];
            batch.targets[size_t(i)] = ids[size_t(first * T + i + 1)];
        }
    };
    return {T, (predicted + T - 1) / T, next, ""};
}

EvalData validation_windows_of(const ModelFolder& m, int context) {
    const Config config = recipe_of(m);
    const int T = context > 0 ? context : int(config.train.context);
    const LoaderOptions options = {.T = T,
                                   .packing = config.data.packing == "masked" ? Packing::masked : Packing::plain};
    const std::vector<fs::path> prefixes = shards_of(config, m);
    const auto loader = open_loader(prefixes, m.folder / "tokenizer.json", m.tokenizer.vocab_size(), options);
    const int64_t windows = validation_windows(*loader, config.validation.windows);
    std::string name;
    for (const fs::path& prefix : prefixes) name += (name.empty() ? "" : ", ") + prefix.string();
    if (windows < loader->windows_in_order())
        name += fmt::format(", the first {} of {} windows", windows, loader->windows_in_order());
    return {T, windows, windows_in_order(loader), name};
}

}  // namespace gradus
