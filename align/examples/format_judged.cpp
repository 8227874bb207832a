// Formats of answers that somebody judged: pairs, rankings, labels.
#include "align/examples/formats.h"

namespace gradus {

namespace {

bool is_transcript(const Json& value) { return value.is_string() && !transcript(value.get<std::string>()).empty(); }

// A soft label; the answers change places where the rejected one is the more probable one.
void add_soft_preference(FromRecord& out, Fields& record, Preference p) {
    if (record.has("probability")) {
        const Json& probability = record.value("probability");
        if (!probability.is_number() || !(probability.get<double>() >= 0 && probability.get<double>() <= 1))
            return record.fail("the probability is " + described(probability) + ", where a number from 0 to 1 must be");
        p.probability = probability;
    }
    if (p.probability < 0.5) {
        std::swap(p.chosen, p.rejected);
        p.margin = -p.margin;
        p.probability = 1 - p.probability;
    }
    add_preference(out, std::move(p));
}

// Two conversations as their common prompt and two answers. The prompts differ if the conversations part before the
// last message: then no answer can be compared.
void add_two_conversations(FromRecord& out, Fields& record, Conversation chosen, Conversation rejected, double margin) {
    chosen = record.checked(std::move(chosen), LastMessage::answer);
    rejected = record.checked(std::move(rejected), LastMessage::answer);
    if (!record.problem().empty()) return;
    Preference p{{}, chosen.back().content, rejected.back().content, margin};
    chosen.pop_back();
    rejected.pop_back();
    p.prompt = chosen;
    if (chosen != rejected) ++out.skipped["chosen and rejected answer different prompts"];
    else add_soft_preference(out, record, std::move(p));
}

double margin_of(Fields& record) {
    if (!record.has("margin")) return 0;
    const Json& margin = record.value("margin");
    if (!margin.is_number()) record.fail("the margin is " + described(margin) + ", where a number must be");
    return margin.is_number() ? margin.get<double>() : 0;
}

FromRecord read_hh(Fields& record, const InputForm&) {
    FromRecord out;
    Conversation chosen = transcript(record.text("chosen")), rejected = transcript(record.text("rejected"));
    if (chosen.empty() || rejected.empty()) record.fail("an answer is not a transcript that begins with Human:");
    else if (!problem_of(chosen, LastMessage::answer).empty() || !problem_of(rejected, LastMessage::answer).empty())
        ++out.skipped["the speakers of a transcript do not alternate"];
    else add_two_conversations(out, record, std::move(chosen), std::move(rejected), margin_of(record));
    return out;
}

FromRecord read_preference(Fields& record, const InputForm&) {
    FromRecord out;
    const Json &chosen = record.value("chosen"), &rejected = record.value("rejected");
    const double margin = margin_of(record);
    if (record.has("prompt") || record.has("messages")) {
        Preference p;
        p.prompt = record.prompt();
        p.chosen = record.answer(chosen, p.prompt);
        p.rejected = record.answer(rejected, p.prompt);
        p.margin = margin;
        if (record.problem().empty()) add_soft_preference(out, record, std::move(p));
    } else if (chosen.is_array() && rejected.is_array()) {
        add_two_conversations(out, record, record.messages(chosen), record.messages(rejected), margin);
    } else {
        record.fail("there is no prompt, and chosen and rejected are neither transcripts nor lists of messages");
    }
    return out;
}

std::vector<int> whole_numbers(Fields& record, const std::string& key) {
    std::vector<int> numbers;
    for (const Json& item : record.array(key)) {
        const bool fits = item.is_number_integer() && item >= -1000000 && item <= 1000000;
        if (!fits) record.fail("'" + key + "' has " + described(item) + ", where whole numbers must be");
        numbers.push_back(fits ? item.get<int>() : 0);
    }
    return numbers;
}

const char* key_of_answers(const Json& record) {
    for (const char* key : {"answers", "completions", "responses"})
        if (record.contains(key)) return key;
    return "answers";
}

FromRecord read_ranking(Fields& record, const InputForm&) {
    FromRecord out;
    Ranking r;
    r.prompt = record.prompt();
    for (const Json& item : record.array(key_of_answers(record.object())))
        r.answers.push_back(record.answer(item, r.prompt));
    r.ranks = whole_numbers(record, "ranks");
    r.rater = record.text_or("rater", "");
    r.time = record.text_or("time", "");
    if (record.has("order")) r.order = whole_numbers(record, "order");
    if (record.has("seconds")) {
        const Json& seconds = record.value("seconds");
        if (!seconds.is_number()) record.fail("'seconds' is " + described(seconds) + ", where a number must be");
        else r.seconds = seconds.get<double>();
    }
    if (record.has("simulated")) r.simulated = record.value("simulated") == true;
    r.models = record.texts("models");
    if (record.problem().empty()) add_ranking(out, record, std::move(r));
    return out;
}

FromRecord read_unpaired(Fields& record, const InputForm&) {
    FromRecord out;
    Unpaired u;
    u.prompt = record.prompt();
    u.answer = record.answer(record.value("completion"), u.prompt);
    const Json& label = record.value("label");
    if (label.is_boolean()) u.good = label.get<bool>();
    else if (label == 0 || label == 1) u.good = label == 1;
    else record.fail("the label is " + described(label) + ", where true or false must be");
    if (record.problem().empty()) out.examples.push_back(std::move(u));
    return out;
}

}  // namespace

std::vector<Format> judged_formats() {
    return {
        {"hh", Kind::preference,
         [](const Json& r) {
             return r.contains("chosen") && r.contains("rejected") && !r.contains("prompt") &&
                    is_transcript(r["chosen"]);
         },
         read_hh},
        {"preference", Kind::preference, [](const Json& r) { return r.contains("chosen") && r.contains("rejected"); },
         read_preference},
        {"ranking", Kind::ranking, [](const Json& r) { return r.contains("ranks"); }, read_ranking},
        {"unpaired", Kind::unpaired, [](const Json& r) { return r.contains("completion") && r.contains("label"); },
         read_unpaired},
    };
}

}  // namespace gradus
