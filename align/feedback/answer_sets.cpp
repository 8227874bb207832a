#include "align/feedback/answer_sets.h"

#include <algorithm>
#include <set>

#include "align/examples/formats.h"
#include "align/examples/records.h"
#include "engine/base/error.h"
#include "engine/base/plural.h"

namespace gradus {

namespace {

class Collector {
public:
    explicit Collector(AnswerSets& sets) : sets_(sets) {}

    void add(const AnswerSet& given) {
        AnswerSet s{given.prompt, {}, {}};
        for (size_t i = 0; i < given.answers.size(); ++i) {
            if (std::count(s.answers.begin(), s.answers.end(), given.answers[i])) continue;
            s.answers.push_back(given.answers[i]);
            if (!given.ranks.empty()) s.ranks.push_back(given.ranks[i]);
        }
        if (s.answers.size() < 2) return skip("with fewer than two different answers");
        if (!present_.insert(identity_of(s.prompt, s.answers)).second) return skip("repeated with the same answers");
        sets_.all.push_back(std::move(s));
    }
    void skip(const std::string& reason) { ++sets_.skipped[reason]; }

private:
    AnswerSets& sets_;
    std::set<uint64_t> present_;
};

AnswerSet listed(Fields& fields) {
    AnswerSet s;
    s.prompt = fields.prompt();
    for (const Json& item : fields.array("answers")) s.answers.push_back(fields.answer(item, s.prompt));
    if (!fields.has("ranks")) return s;
    for (const Json& rank : fields.array("ranks")) {
        const bool fits = rank.is_number_integer() && rank >= 1 && rank <= 1000000;
        if (!fits) fields.fail("'ranks' has " + described(rank) + ", where a whole number from 1 must be");
        s.ranks.push_back(fits ? rank.get<int>() : 1);
    }
    if (s.ranks.size() != s.answers.size())
        fields.fail("it has " + std::to_string(s.answers.size()) + " answers but " + std::to_string(s.ranks.size()) +
                    " ranks");
    return s;
}

// A preference pair or a ranking in another format.
void add_foreign(Collector& out, Fields& fields) {
    const Format* const format = format_of(fields.object());
    if (!format || (format->kind != Kind::preference && format->kind != Kind::ranking))
        return fields.fail("there are no answers to compare: neither 'answers' nor 'chosen' and 'rejected'");
    const FromRecord read = format->read(fields, {});
    if (!fields.problem().empty()) return;
    for (const auto& [reason, count] : read.skipped)
        for (int i = 0; i < count; ++i) out.skip("of which " + reason);
    for (const Example& example : read.examples) {
        const Example as_ranking = converted(example, Kind::ranking).front();
        const auto& ranking = std::get<Ranking>(as_ranking);
        out.add({ranking.prompt, ranking.answers, ranking.ranks});
    }
}

}  // namespace

std::string AnswerSets::skipped_text() const {
    std::string text;
    for (const auto& [reason, n] : skipped)
        text += (text.empty() ? "skipped: " : ", ") + number_of(n, "prompt") + " " + reason;
    return text;
}

std::vector<AnswerPair> AnswerSets::pairs() const {
    std::vector<AnswerPair> list;
    for (size_t s = 0; s < all.size(); ++s)
        for (size_t i = 0; i < all[s].answers.size(); ++i)
            for (size_t j = i + 1; j < all[s].answers.size(); ++j) list.push_back({s, i, j});
    return list;
}

AnswerSets read_answer_sets(const fs::path& path) {
    AnswerSets sets;
    Collector collector(sets);
    RecordReader records(path);
    for (Record record; records.next(record);) {
        Fields fields(record.object);
        if (!record.problem.empty()) fields.fail(record.problem);
        else if (record.object.is_object() && record.object.contains("answers")) {
            const AnswerSet s = listed(fields);
            if (fields.problem().empty()) collector.add(s);
        } else {
            add_foreign(collector, fields);
        }
        if (!fields.problem().empty())
            throw Error("bad answers at '" + record.place + "'", fields.problem(),
                        R"(write lines such as {"prompt": "…", "answers": ["…", "…"]})");
    }
    if (sets.all.empty()) {
        const std::string skipped = sets.skipped_text();
        throw Error("'" + path.string() + "' has nothing to compare", skipped.empty() ? "the file is empty" : skipped,
                    "name a file of prompts that have two different answers or more");
    }
    return sets;
}

AnswerSets answer_sets_of(const CandidateList& list) {
    AnswerSets sets;
    for (const Candidates& c : list.all()) sets.all.push_back({c.prompt, c.answers, {}});
    return sets;
}

}  // namespace gradus
