#include "align/samples/samples.h"

#include <algorithm>

#include "data/text.h"
#include "engine/base/error.h"
#include "engine/base/log.h"

namespace gradus {

namespace {

// Ids that are inputs or targets: what follows the last target is neither.
void cut_after_last_target(EncodedChat& encoded) {
    size_t n = encoded.ids.size();
    while (n > 0 && !encoded.learnt[n - 1]) --n;
    encoded.ids.resize(n);
    encoded.learnt.resize(n);
}

// Shortens a conversation from the left until `fits`, which tries one and says whether it does. False: it cannot.
template <class Fits>
bool shorten(Conversation conversation, size_t last_round, Fits&& fits) {
    const size_t first = conversation[0].role == "system" ? 1 : 0;
    while (last_round > first) {
        conversation.erase(conversation.begin() + std::ptrdiff_t(first),
                           conversation.begin() + std::ptrdiff_t(first) + 2);
        last_round -= 2;
        if (fits(conversation)) return true;
    }
    const std::string question = conversation[first].content;
    const auto fits_without = [&](size_t bytes) {  // at the beginning of the question, up to a character
        while (bytes < question.size() && (uint8_t(question[bytes]) & 0xC0) == 0x80) ++bytes;
        conversation[first].content = question.substr(bytes);
        return bytes < question.size() && fits(conversation);
    };
    // The fewest bytes that must go: more text has more ids, or nearly so.
    size_t too_few = 0, enough = question.size();
    while (enough > too_few + 1) {
        const size_t middle = too_few + (enough - too_few) / 2;
        (fits_without(middle) ? enough : too_few) = middle;
    }
    return fits_without(enough);
}

}  // namespace

void Samples::add(const EncodedChat& encoded, int32_t from_example) {
    ids.insert(ids.end(), encoded.ids.begin(), encoded.ids.end());
    learnt.insert(learnt.end(), encoded.learnt.begin(), encoded.learnt.end());
    start.push_back(int64_t(ids.size()));
    example.push_back(from_example);
}

Fitted fitted(const Conversation& conversation, const ChatEncoder& chat, const SampleOptions& options) {
    Fitted out;
    const auto fits = [&](const Conversation& shorter) {
        out.encoded = chat.encode(shorter, options.learn);
        cut_after_last_target(out.encoded);
        return int64_t(out.encoded.ids.size()) <= int64_t(options.context) + 1;
    };
    if (fits(conversation)) return out;
    out.shortened = true;
    if (!shorten(conversation, conversation.size() - 2, fits)) out.encoded = {};
    return out;
}

std::vector<int32_t> fitted_prompt(const Conversation& prompt, const ChatEncoder& chat, int longest) {
    std::vector<int32_t> ids;
    const auto fits = [&](const Conversation& shorter) {
        ids = chat.encode_prompt(shorter);
        return int64_t(ids.size()) <= longest;
    };
    if (!fits(prompt) && !shorten(prompt, prompt.size() - 1, fits)) ids.clear();
    return ids;
}

std::vector<EncodedChat> fitted_answers(const Conversation& prompt, std::span<const std::string> answers,
                                        const ChatEncoder& chat, int longest) {
    std::vector<EncodedChat> encoded;
    const auto fits = [&](const Conversation& shorter) {
        encoded.clear();
        Conversation whole = shorter;
        whole.push_back({"assistant", ""});
        for (const std::string& answer : answers) {
            whole.back().content = answer;
            encoded.push_back(chat.encode(whole, Learn::last_answer));
            cut_after_last_target(encoded.back());
            if (int64_t(encoded.back().ids.size()) > longest) return false;
        }
        return true;
    };
    if (!fits(prompt) && !shorten(prompt, prompt.size() - 1, fits)) encoded.clear();
    return encoded;
}

Samples samples_of(const ExampleFile& file, const ChatEncoder& chat, const SampleOptions& options, double weight) {
    CHECK(options.context > 0 && file.kind == Kind::demonstration);
    Samples samples;
    samples.weight = weight;
    for (size_t i = 0; i < file.examples.size(); ++i) {
        const Fitted sample = fitted(file.at<Demonstration>(i).conversation, chat, options);
        const auto& learnt = sample.encoded.learnt;
        if (sample.encoded.ids.empty()) ++samples.dropped["longer than the context"];
        else if (std::find(learnt.begin() + 1, learnt.end(), 1) == learnt.end()) ++samples.dropped["without a target"];
        else {
            samples.add(sample.encoded, int32_t(i));
            samples.shortened += sample.shortened;
        }
    }
    if (samples.size() == 0)
        throw Error("no example of '" + file.path.string() + "' can be learnt from", summary_of(samples),
                    "make the context longer (model.context), or shorten the answers");
    return samples;
}

std::string summary_of(const Samples& samples) {
    std::string text = text_of_whole(samples.size()) + " samples";
    if (samples.shortened > 0) text += ", " + text_of_whole(samples.shortened) + " shortened";
    std::string dropped;
    for (const auto& [reason, n] : samples.dropped)
        dropped += (dropped.empty() ? "; dropped " : ", ") + text_of_whole(n) + ": " + reason;
    return text + dropped;
}

}  // namespace gradus
