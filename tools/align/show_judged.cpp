#include "tools/align/show_judged.h"

#include <fmt/format.h>

#include <algorithm>

#include "align/samples/dump.h"
#include "engine/base/log.h"
#include "tools/align/judged_examples.h"

namespace gradus {

namespace {

struct Judged {
    const char* answer;
    const Sequence* text;
};

std::string shown(const Judged& j, const Tokenizer& tokenizer, bool json) {
    if (json)
        return fmt::format("{{\"answer\": \"{}\", ", j.answer) +
               sample_as_json(j.text->ids, j.text->learnt, tokenizer).substr(1);
    return fmt::format("{}:\n", j.answer) +
           sample_as_text(j.text->ids, j.text->learnt, tokenizer, is_terminal(stdout) ? Colours::ansi : Colours::none);
}

}  // namespace

void show_judged(Config config, int64_t count, bool json) {
    if (config.dpo.data.empty())
        throw Error("there is no data to show", "dpo.data is empty", "--set dpo.data='[\"preferences.jsonl\"]'");
    const ChatModel model = open_chat_model(config.model.from, config.dpo.chat_template, "dpo");
    if (config.train.context == 0) config.train.context = read_model_config(model.folder).context;
    const bool labels = config.dpo.loss == "kto";
    const LabelledExamples labelled = labels ? read_labels(config, model.chat) : LabelledExamples{};
    const PreferenceExamples pairs = labels ? PreferenceExamples{} : read_preferences(config, model.chat);
    std::vector<Judged> texts;
    for (const LabelledExample& e : labelled.train)
        texts.push_back({e.desirable ? "desirable" : "undesirable", &e.text});
    for (const PreferenceExample& p : pairs.train) {
        texts.push_back({"chosen", &p.chosen});
        texts.push_back({"rejected", &p.rejected});
    }
    for (int64_t i = 0; i < std::min(count, int64_t(texts.size())); ++i)
        fmt::print("{}\n", shown(texts[size_t(i)], model.chat.tokenizer(), json));
}

}  // namespace gradus
