#include "tools/align/demonstrations.h"

#include <fmt/format.h>

#include "align/samples/dump.h"
#include "align/samples/weighted_file.h"
#include "align/template/template_folder.h"
#include "engine/base/log.h"
#include "engine/checkpoint/checksum.h"
#include "tools/align/pretraining_text.h"
#include "tools/chat_template_of.h"
#include "tools/cli.h"
#include "tools/model_folder.h"

namespace gradus {

namespace {

struct Split {
    ExampleFile train, val;
};
Split split(ExampleFile file, double val_share) {
    Split s{file, file};
    for (ExampleFile* part : {&s.train, &s.val}) {
        part->examples.clear();
        part->places.clear();
    }
    for (size_t i = 0; i < file.examples.size(); ++i) {
        ExampleFile& to = share_of_text(file.at<Demonstration>(i).conversation) < val_share ? s.val : s.train;
        to.examples.push_back(std::move(file.examples[i]));
        to.places.push_back(std::move(file.places[i]));
    }
    return s;
}

struct ReadSamples {
    std::vector<Samples> train, val;
    std::string hash;  // of all files
};

ReadSamples read_samples(const Config& config, const ChatEncoder& chat, int context) {
    const SftSettings& s = config.sft;
    const ReadExamples options = {.format = s.format,
                                  .max_bad_lines = s.max_bad_lines,
                                  .form = {chat.chat_template().input_heading, chat.chat_template().input_system}};
    const Needs needs = needs_of(Stage::sft, Kind::demonstration);
    const SampleOptions sample = {.context = context,
                                  .learn = s.learn == "last_answer" ? Learn::last_answer : Learn::every_answer};
    ReadSamples all;
    std::string hashes;
    const auto read = [&](const std::string& path) {
        hashes += hexadecimal(checksum_of(read_file(path)));
        ExampleFile file = read_examples(path, options, needs);
        tell(fmt::format("examples {}\n", summary_of(file)));
        return file;
    };
    for (const std::string& named : s.data) {
        const WeightedFile file = weighted_file(named);
        Split parts = split(read(file.path.string()), s.val.empty() ? s.val_share : 0);
        all.train.push_back(samples_of(parts.train, chat, sample, file.weight));
        tell(fmt::format("samples  {}\n", summary_of(all.train.back())));
        if (!parts.val.examples.empty()) all.val.push_back(samples_of(parts.val, chat, sample));
    }
    for (const std::string& path : s.val) all.val.push_back(samples_of(read(path), chat, sample));
    all.hash = hexadecimal(checksum_of(hashes));
    return all;
}

}  // namespace

double share_of_text(const Conversation& c) {
    std::string text;
    for (const Message& m : c) text += m.role + "\n" + m.content + "\n";
    return double(checksum_of(text) >> 11) * 0x1p-53;
}

Needs needs_of(Stage stage, Kind kind) {
    const std::string name = of_stage(stage).name;
    return {kind, "gradus " + name, "--set " + name + ".format=NAME"};
}

ChatModel open_chat_model(const std::string& model, const std::string& named_template, const std::string& stage) {
    const LockedFolder folder = model_folder(model, VerifyLevel::sizes);
    const fs::path json = folder.path / "tokenizer.json";
    const std::string text = read_file(json);
    const Tokenizer tokenizer = Tokenizer::parse(text, json.string());
    return {folder.path, text,
            chat_encoder_of(folder.path, tokenizer, model, named_template, "--set " + stage + ".template=")};
}

RunData open_demonstrations(Config& config) {
    ChatModel model = open_chat_model(config.model.from, config.sft.chat_template, "sft");
    if (config.train.context == 0) config.train.context = read_model_config(model.folder).context;
    const int context = int(config.train.context);
    RunData data{.tokenizer_json = model.folder / "tokenizer.json",
                 .tokenizer_text = model.tokenizer_text,
                 .tokenizer = model.chat.tokenizer()};
    ReadSamples read = read_samples(config, model.chat, context);
    SampleRowsOptions options = {.context = context, .seed = uint64_t(config.train.seed)};
    if (config.sft.pretrain_share > 0) {
        options.other_share = config.sft.pretrain_share;
        options.other = open_pretraining_text(config.data.dir, data.tokenizer, context, options.seed).rows;
    }
    data.rows = std::make_shared<SampleRows>(std::move(read.train), options);
    if (!read.val.empty())
        data.val_rows =
            std::make_shared<SampleRows>(std::move(read.val), SampleRowsOptions{.context = context, .in_order = true});
    data.facts = {.vocab = data.tokenizer.vocab_size(),
                  .end_of_text = data.tokenizer.end_of_text().value_or(-1),
                  .identity = fmt::format("{} {} {}", read.hash, hexadecimal(checksum_of(model.tokenizer_text)),
                                          hexadecimal(checksum_of(json_of(model.chat.chat_template()))))};
    data.facts.validates = data.val_rows != nullptr;
    data.facts.longest_prompt = 0;
    for (const std::string& prompt : config.sample.prompts) {
        const Conversation question = {{"user", prompt}};
        data.facts.longest_prompt = std::max(data.facts.longest_prompt, int(model.chat.encode_prompt(question).size()));
    }
    data.source = fmt::format("{}, template {}, {} rows an epoch", config.sft.data.front(),
                              model.chat.chat_template().name, text_of_whole(data.rows->rows_of_epoch(0)));
    if (!config.written_at.contains("train.steps") && config.train.minutes == 0) {
        const int64_t rows = data.rows->rows_of_epochs(config.sft.epochs);
        config.train.steps = std::max<int64_t>(1, (rows + config.train.batch - 1) / config.train.batch);
    }
    data.chat.emplace(std::move(model.chat));
    return data;
}

void add_chat_template(SaveOptions& options, const ChatEncoder& chat, const ModelConfig& m) {
    options.tokenizer_config =
        with_chat_template(tokenizer_config_of(m, options.end_of_text), chat, "tokenizer_config.json");
    if (chat.end_of_turn() != m.end_of_text) options.more_ends = {chat.end_of_turn()};
    options.more_files["gradus/chat_template.json"] = json_of(chat.chat_template());
}

void show_demonstrations(Config config, int64_t count, bool json) {
    const ChatModel model = open_chat_model(config.model.from, config.sft.chat_template, "sft");
    const int context = int(config.train.context > 0 ? config.train.context : read_model_config(model.folder).context);
    int64_t shown = 0;
    for (const Samples& s : read_samples(config, model.chat, context).train)
        for (int64_t i = 0; i < s.size() && shown < count; ++i, ++shown) {
            const auto first = size_t(s.start[size_t(i)]), length = size_t(s.start[size_t(i) + 1]) - first;
            const std::span<const int32_t> ids(s.ids.data() + first, length);
            const std::span<const uint8_t> learnt(s.learnt.data() + first, length);
            if (json) fmt::print("{}\n", sample_as_json(ids, learnt, model.chat.tokenizer()));
            else
                fmt::print("{}\n", sample_as_text(ids, learnt, model.chat.tokenizer(),
                                                  is_terminal(stdout) ? Colours::ansi : Colours::none));
        }
}

}  // namespace gradus
