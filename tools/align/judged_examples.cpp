#include "tools/align/judged_examples.h"

#include <fmt/format.h>

#include <algorithm>

#include "align/collect/candidates.h"
#include "align/preference/mismatch.h"
#include "align/samples/samples.h"
#include "align/samples/weighted_file.h"
#include "engine/base/philox.h"
#include "engine/base/plural.h"
#include "engine/checkpoint/checksum.h"

namespace gradus {

namespace {

Sequence sequence_of(EncodedChat encoded) { return {std::move(encoded.ids), std::move(encoded.learnt)}; }

// Calls use(example, validates) for every example of the files, as the kind that is needed.
template <class ExampleType, class Use>
std::string read_all(const Config& config, const ChatEncoder& chat, Kind kind, Use&& use) {
    const ExampleSettings& s = config.examples();
    std::string hashes;
    const auto read = [&](const std::string& path, double val_share) {
        hashes += hexadecimal(checksum_of(read_file(path)));
        const ExampleFile file =
            read_examples(path, {.format = s.format, .max_bad_lines = s.max_bad_lines}, needs_of(config.stage, kind));
        tell(fmt::format("examples {}\n", summary_of(file)));
        for (size_t i = 0; i < file.examples.size(); ++i) {
            const auto& example = file.at<ExampleType>(i);
            use(example, share_of_text(example.prompt) < val_share);
        }
    };
    for (const std::string& named : s.data) {
        const WeightedFile file = weighted_file(named);
        const auto copies = int64_t(file.weight);
        if (double(copies) != file.weight)
            throw Error("'" + named + "' uses a part of its examples", "here the number behind @ is a whole number",
                        "leave it out, or use a file with fewer examples");
        for (int64_t copy = 0; copy < copies; ++copy) read(file.path.string(), s.val.empty() ? s.val_share : 0);
    }
    for (const std::string& path : s.val) read(path, 1);
    return hexadecimal(checksum_of(hashes + json_of(chat.chat_template())));
}

void require_some(size_t count, size_t dropped, int64_t context) {
    const std::string examples = number_of(int64_t(dropped), "example");
    if (count == 0)
        throw Error("there is nothing to learn from",
                    dropped > 0 ? fmt::format("the answers of {} do not fit into train.context = {}", examples, context)
                                : "all examples were chosen to validate on",
                    dropped > 0 ? "raise train.context, or name other data" : "name more data, or lower val_share");
    if (dropped > 0)
        note(fmt::format("left out: {} whose answers do not fit into train.context = {}", examples, context));
}

// Pairs each prompt with an answer to another one; false: there is no other.
bool mismatch(std::vector<LabelledExample>& examples, const std::vector<Unpaired>& read, const Config& config,
              const ChatEncoder& chat) {
    std::vector<uint64_t> prompts;
    for (const Unpaired& u : read) prompts.push_back(identity_of(u.prompt, {}));
    const std::vector<int> partners = partners_of_other_prompts(prompts, uint64_t(config.train.seed));
    for (size_t i = 0; i < examples.size(); ++i) {
        if (partners[i] < 0) return false;
        const std::string& answer = read[size_t(partners[i])].answer;
        auto encoded = fitted_answers(read[i].prompt, std::vector{answer}, chat, int(config.train.context));
        if (!encoded.empty()) examples[i].mismatched = sequence_of(std::move(encoded[0]));
    }
    return true;
}

}  // namespace

RankedExamples read_rankings(AlignedRun& run) {
    const int64_t context = run.config().train.context;
    RankedExamples all;
    size_t dropped = 0;
    all.hash = read_all<Ranking>(run.config(), run.chat(), Kind::ranking, [&](const Ranking& r, bool validates) {
        auto encoded = fitted_answers(r.prompt, r.answers, run.chat(), int(context));
        if (encoded.empty()) {
            ++dropped;
            return;
        }
        RankedAnswers a{.ranks = r.ranks};
        if (r.probability < 1) a.probability = r.ranks[0] < r.ranks[1] ? r.probability : 1 - r.probability;
        for (EncodedChat& e : encoded) a.texts.push_back(sequence_of(std::move(e)));
        (validates ? all.val : all.train).push_back(std::move(a));
    });
    require_some(all.train.size(), dropped, context);
    return all;
}

PreferenceExamples read_preferences(const Config& config, const ChatEncoder& chat) {
    const int64_t context = config.train.context;
    PreferenceExamples all;
    size_t dropped = 0;
    all.hash = read_all<Preference>(config, chat, Kind::preference, [&](const Preference& p, bool validates) {
        auto encoded = fitted_answers(p.prompt, std::vector{p.chosen, p.rejected}, chat, int(context));
        if (encoded.empty()) {
            ++dropped;
            return;
        }
        (validates ? all.val : all.train)
            .push_back({.chosen = sequence_of(std::move(encoded[0])),
                        .rejected = sequence_of(std::move(encoded[1])),
                        .probability = p.probability});
    });
    require_some(all.train.size(), dropped, context);
    return all;
}

LabelledExamples read_labels(const Config& config, const ChatEncoder& chat) {
    const int64_t context = config.train.context;
    LabelledExamples all;
    std::vector<Unpaired> train, val;
    size_t dropped = 0;
    all.hash = read_all<Unpaired>(config, chat, Kind::unpaired, [&](const Unpaired& u, bool validates) {
        auto encoded = fitted_answers(u.prompt, std::vector{u.answer}, chat, int(context));
        if (encoded.empty()) {
            ++dropped;
            return;
        }
        (validates ? all.val : all.train).push_back({.text = sequence_of(std::move(encoded[0])), .desirable = u.good});
        (validates ? val : train).push_back(u);
    });
    require_some(all.train.size(), dropped, context);
    if (!mismatch(all.train, train, config, chat))
        throw Error("kto needs answers to different prompts",
                    fmt::format("{} to train on, all to the same prompt", number_of(int64_t(train.size()), "answer")),
                    "name data with more prompts");
    mismatch(all.val, val, config, chat);
    return all;
}

std::vector<int> examples_at(int64_t first, int64_t wanted, int64_t count, uint64_t seed) {
    std::vector<int> chosen;
    int64_t epoch = -1;
    std::vector<std::pair<uint64_t, int>> order;
    for (int64_t i = first; i < first + wanted; ++i) {
        if (i / count != epoch) {
            epoch = i / count;
            order.clear();
            const Philox random{key_of(seed, uint64_t(epoch))};
            for (int64_t e = 0; e < count; ++e) order.push_back({random.bits(uint64_t(e)), int(e)});
            std::sort(order.begin(), order.end());
        }
        chosen.push_back(order[size_t(i % count)].second);
    }
    return chosen;
}

void set_steps(Config& c, int64_t epochs, int64_t examples) {
    if (c.written_at.contains("train.steps")) return;
    c.train.batch = std::min(c.train.batch, examples);
    c.train.steps = std::max<int64_t>(1, (examples * epochs + c.train.batch - 1) / c.train.batch);
}

}  // namespace gradus
