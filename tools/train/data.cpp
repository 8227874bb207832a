#include "tools/train/data.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/fingerprint.h"
#include "engine/base/log.h"
#include "tokenizer/stream_decoder.h"
#include "tools/align/demonstrations.h"

namespace gradus {

namespace {

std::string with_suffix(const fs::path& prefix, const char* suffix) { return prefix.string() + suffix; }

void require_shard(const fs::path& prefix, const Config& config, const char* key) {
    if (has_shard(prefix)) return;
    const std::string folder = config.data.dir.empty() ? "FOLDER" : config.data.dir;
    std::error_code ignored;
    const bool prepared = fs::exists(fs::path(folder) / "train.jsonl.zst", ignored);
    throw Error(fmt::format("there are no tokens at '{}'", prefix.string()),
                fmt::format("there is no {}, which {} requires", with_suffix(prefix, ".bin and .idx"), key),
                prepared ? fmt::format("gradus data prepare {0} --out {0} --tokenizer {0}", folder)
                         : fmt::format("gradus data prepare TEXTS --out {} --tokenizer tokenizer.json", folder));
}

fs::path find_tokenizer(const Config& config, const fs::path& first_shard) {
    const fs::path given = !config.data.tokenizer.empty() ? fs::path(config.data.tokenizer) : first_shard.parent_path();
    std::error_code ignored;
    const fs::path file = fs::is_directory(given.empty() ? "." : given, ignored) ? given / "tokenizer.json" : given;
    if (!fs::exists(file, ignored))
        throw Error(fmt::format("there is no tokenizer of the data at '{}'", file.string()), "no such file",
                    "--set data.tokenizer=FILE, the tokenizer.json that the data was prepared with");
    return file;
}

// Empty, with a note, if it is of an unsupported kind.
std::optional<Tokenizer> load_if_known(const fs::path& folder) {
    try {
        return Tokenizer::load(folder);
    } catch (const Error& e) {
        note(fmt::format("the tokenizer in '{}' cannot be compared with the data's: {}", folder.string(), e.what()));
        return std::nullopt;
    }
}

}  // namespace

std::vector<fs::path> validation_shards(const Config& config) {
    std::vector<fs::path> val;
    const fs::path beside_training = fs::path(config.data.dir) / "val";
    if (config.data.val.empty() && !config.data.dir.empty() && has_shard(beside_training)) val = {beside_training};
    for (const std::string& prefix : config.data.val) {
        require_shard(prefix, config, "data.val");
        val.push_back(prefix);
    }
    return val;
}

RunData open_run_data(Config& config) {
    return config.stage == Stage::sft ? open_demonstrations(config) : open_data(config);
}

RunData open_data(const Config& config) {
    std::vector<fs::path> train;
    if (!config.data.dir.empty()) {
        train = {fs::path(config.data.dir) / "train"};
        require_shard(train.front(), config, "data.dir");
    } else {
        for (const std::string& prefix : config.data.train) {
            require_shard(prefix, config, "data.train");
            train.push_back(prefix);
        }
    }
    const std::vector<fs::path> val = validation_shards(config);
    const fs::path json = find_tokenizer(config, train.front());
    const std::string text = read_file(json);
    RunData data{json, text, Tokenizer::parse(text, json.string()), train, val};
    const Fingerprint of_train = fingerprint(train, text);
    data.facts = {.vocab = data.tokenizer.vocab_size(),
                  .end_of_text = data.tokenizer.end_of_text().value_or(-1),
                  .identity = of_train.text,
                  .former = of_train.former};
    data.facts.validates = !val.empty();
    data.facts.longest_prompt = 0;
    for (const std::string& prompt : config.sample.prompts)
        data.facts.longest_prompt =
            std::max(data.facts.longest_prompt, int(ids_of_prompt(data.tokenizer, prompt).size()));
    return data;
}

std::vector<int32_t> ids_of_prompt(const Tokenizer& tokenizer, const std::string& text) {
    std::vector<int32_t> ids;
    if (const auto id = tokenizer.end_of_text()) ids.push_back(*id);
    tokenizer.encode_append(text, ids);
    return ids;
}

void require_same_ids(const RunData& data, const fs::path& model_folder) {
    std::error_code ignored;
    fs::path file = model_folder / "tokenizer.json";
    if (!fs::exists(file, ignored)) file = model_folder / "vocab.json";
    if (!fs::exists(file, ignored)) return;
    const std::optional<Tokenizer> known = load_if_known(model_folder);
    if (!known) return;
    const Tokenizer &here = data.tokenizer, &there = *known;
    auto text_of = [](const Tokenizer& t, int32_t id) {
        return id < t.vocab_size() ? "'" + replace_invalid_utf8(std::string(t.bytes_of(id))) + "'" : "nothing";
    };
    for (int32_t id = 0; id < here.vocab_size(); ++id)
        if (id >= there.vocab_size() || here.bytes_of(id) != there.bytes_of(id))
            throw Error(fmt::format("the data has different tokens than the model in '{}'", model_folder.string()),
                        fmt::format("token {} is {} in {} and {} in {}", id, text_of(here, id),
                                    data.tokenizer_json.string(), text_of(there, id), file.string()),
                        fmt::format("gradus data prepare FOLDER --out OTHER --tokenizer {}, then --set data.dir=OTHER",
                                    model_folder.string()));
}

std::shared_ptr<const Loader> open_loader(const std::vector<fs::path>& prefixes, const fs::path& tokenizer_json,
                                          int vocab, const LoaderOptions& options) {
    auto loader = std::make_shared<Loader>(prefixes, options);
    const std::string hash = file_xxh64(tokenizer_json);
    for (const Shard& shard : loader->shards()) {
        if (!shard.meta()) shard.check_ids(vocab);
        else if (shard.meta()->tokenizer_xxh64 != hash)
            throw Error(
                fmt::format("the tokenizer '{}' is not the one that made '{}.bin'", tokenizer_json.string(),
                            shard.prefix().string()),
                fmt::format("its hash is {}, but {}.meta.json has {}", hash, shard.prefix().string(),
                            shard.meta()->tokenizer_xxh64),
                "prepare the data again with this tokenizer: gradus data prepare FOLDER --out FOLDER --tokenizer FILE");
    }
    return loader;
}

NextBatch windows_in_order(std::shared_ptr<const Loader> loader) {
    return [loader = std::move(loader)](int64_t first, HostBatch& b) {
        const int count = int(std::min<int64_t>(b.B, loader->windows_in_order() - first));
        loader->fill_in_order(first, count, b.tokens.data(), b.targets.data(), b.positions.data(), b.first_key.data());
    };
}

int64_t validation_windows(const Loader& loader, int64_t most) {
    return most > 0 ? std::min(most, loader.windows_in_order()) : loader.windows_in_order();
}

NextBatch random_windows(std::shared_ptr<const Loader> loader) {
    return [loader = std::move(loader)](int64_t first, HostBatch& b) {
        loader->fill(first, b.B, b.tokens.data(), b.targets.data(), b.positions.data(), b.first_key.data());
    };
}

RunBatches::RunBatches(const RunData& data, const Resolved& r) {
    if (data.rows) of_demonstrations(data, r);
    else of_shards(data, r);
}

void RunBatches::of_shards(const RunData& data, const Resolved& r) {
    const LoaderOptions options = {
        .T = r.trainer.context, .seed = r.trainer.seed, .packing = r.masked ? Packing::masked : Packing::plain};
    const auto train = open_loader(data.train, data.tokenizer_json, data.facts.vocab, options);
    train_ = random_windows(train);
    train_tokens_ = train->tokens();
    if (data.val.empty()) return;
    const auto val = open_loader(data.val, data.tokenizer_json, data.facts.vocab, options);
    val_ = windows_in_order(val);
    val_tokens_ = val->tokens();
    windows_ = validation_windows(*val, r.config.validation.windows);
}

void RunBatches::of_demonstrations(const RunData& data, const Resolved& r) {
    const auto tokens_of = [&](const SampleRows& rows) { return rows.rows_of_epoch(0) * r.trainer.context; };
    train_ = [rows = data.rows](int64_t first, HostBatch& b) { rows->fill(first, b); };
    train_tokens_ = tokens_of(*data.rows);
    if (!data.val_rows) return;
    val_ = [rows = data.val_rows](int64_t first, HostBatch& b) { rows->fill(first, b); };
    val_tokens_ = tokens_of(*data.val_rows);
    windows_ = data.val_rows->rows_of_epoch(0);
    if (r.config.validation.windows > 0) windows_ = std::min(windows_, r.config.validation.windows);
}

}  // namespace gradus
