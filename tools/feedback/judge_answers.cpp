#include "tools/feedback/judge_answers.h"

#include <algorithm>

#include "engine/base/json_text.h"
#include "engine/base/log.h"
#include "engine/base/signals.h"
#include "engine/checkpoint/checksum.h"
#include "tools/feedback/resumable_lines.h"
#include "tools/find_recipe.h"

namespace gradus {

namespace {

// The same for the two answers in either order.
uint64_t identity_of_pair(const AnswerSet& s, const AnswerPair& p) {
    const std::string &a = s.answers[p.first], &b = s.answers[p.second];
    return identity_of(s.prompt, {std::min(a, b), std::max(a, b)});
}

// Of everything that the labels depend on besides the judge.
std::string hash_of(const AnswerSets& sets, const std::vector<Principle>& principles, const FeedbackWording& wording) {
    nlohmann::json all = nlohmann::json::array();
    for (const AnswerSet& s : sets.all) all.push_back({identity_of(s.prompt, s.answers), s.answers.size()});
    for (const Principle& p : principles) all.push_back(p.text);
    FeedbackWording::each(wording, [&](const char* key, const auto& value) { all.push_back({key, value}); });
    return hexadecimal(checksum_of(all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
}

// A pair with what is asked of the judge.
class PairJudge {
public:
    PairJudge(const AnswerSets& sets, const JudgeAnswers& o)
        : sets_(sets),
          o_(o),
          wording_(wording_of(o.wording)),
          principles_(principles_of(o.principles, PrincipleUse::judge)),
          pairs_(sets.pairs()),
          file_(o.out,
                {{"judge", o.judge.name},
                 {"template", o.judge.chat_template},
                 {"endpoint", o.judge.is_server() ? o.judge.endpoint : ""},
                 {"judge_model", o.judge.served},
                 {"seed", o.seed},
                 {"clamp", o.clamp},
                 {"inputs", hash_of(sets, principles_, wording_)}},
                pairs_.size()) {
        for (const nlohmann::json& line : file_.lines()) add_written(line);
        result_.left_out = int64_t(file_.next() - file_.lines().size());
    }

    JudgedAnswers run() {
        if (file_.next() < pairs_.size()) judge_rest();
        result_.complete = result_.complete || file_.next() == pairs_.size();
        return result_;
    }

private:
    const Principle& principle_of(const AnswerPair& p) const {
        return principles_[drawn_principle(o_.seed, identity_of_pair(sets_.all[p.set], p), 0, principles_.size())];
    }

    // Groups of pairs are the same wherever an earlier command has stopped, and so are the sums in their matmuls.
    void judge_rest() {
        const std::unique_ptr<Judge> judge = make_judge(o_.judge, wording_, o_.compute);
        const size_t group = std::max<size_t>(1, judge->at_once() / 2), done = file_.next();
        ProgressLine progress("judging");
        for (size_t first = done - done % group; first < pairs_.size(); first += group) {
            if (stop_requested()) return;
            const size_t last = std::min(first + group, pairs_.size());
            std::vector<std::string> requests;
            for (size_t i = first; i < last; ++i) add_requests(pairs_[i], requests);
            const auto labels = judge->compare(requests);
            for (size_t i = std::max(first, done); i < last; ++i) {
                const auto &one = labels[2 * (i - first)], &other = labels[2 * (i - first) + 1];
                if (one && other) write(i, {one->first(), other->first(), one->bounds + other->bounds});
                else ++result_.left_out;
            }
            file_.flush();
            progress.update(double(last), double(pairs_.size()), "pairs");
        }
        result_.complete = true;
    }

    void add_requests(const AnswerPair& p, std::vector<std::string>& requests) const {
        const AnswerSet& s = sets_.all[p.set];
        const std::string &a = s.answers[p.first], &b = s.answers[p.second];
        requests.push_back(judge_request(wording_, s.prompt, a, b, principle_of(p)));
        requests.push_back(judge_request(wording_, s.prompt, b, a, principle_of(p)));
    }

    void write(size_t item, const BothOrders& given) {
        const AnswerPair& p = pairs_[item];
        const AnswerSet& s = sets_.all[p.set];
        const bool first = given.prefers_first();
        const BothOrders orders = first ? given : given.exchanged();
        nlohmann::ordered_json line;
        put_prompt(line, s.prompt);
        line["chosen"] = s.answers[first ? p.first : p.second];
        line["rejected"] = s.answers[first ? p.second : p.first];
        line["probability"] = std::min(orders.probability(), o_.clamp);
        line["principle"] = principle_of(p).text;
        line["first"] = {orders.first, orders.second};
        if (orders.bounds > 0) line["bounds"] = orders.bounds;
        file_.append(item, line);
        count(p, given, line["probability"]);
    }

    void count(const AnswerPair& p, const BothOrders& orders, double probability) {
        const AnswerSet& s = sets_.all[p.set];
        result_.statistics.add(orders, probability);
        if (s.ranks.empty() || s.ranks[p.first] == s.ranks[p.second]) return;
        result_.statistics.add_ranked(orders, s.ranks[p.first] < s.ranks[p.second]);
    }

    // A line of an earlier command; its item is within the pairs.
    void add_written(const nlohmann::json& line) {
        const AnswerPair& p = pairs_[line["item"].get<size_t>()];
        const auto number = [](const nlohmann::json& value) { return value.is_number() ? value.get<double>() : -1; };
        const nlohmann::json first = line.value("first", nlohmann::json()),
                             chosen = line.value("chosen", nlohmann::json()),
                             bounds = line.value("bounds", nlohmann::json(0));
        const double probability = number(line.value("probability", nlohmann::json()));
        const bool fits = first.is_array() && first.size() == 2 && number(first[0]) >= 0 && number(first[0]) <= 1 &&
                          number(first[1]) >= 0 && number(first[1]) <= 1 && probability >= 0.5 && probability <= 1 &&
                          number(bounds) >= 0 && number(bounds) <= 4;
        if (!fits)
            throw Error("a line of '" + o_.out + "' was edited", "item " + line["item"].dump() + " has no label",
                        "remove the file, or name another: --out FILE.jsonl");
        BothOrders orders{number(first[0]), number(first[1]), int(number(bounds))};
        if (chosen != nlohmann::json(sets_.all[p.set].answers[p.first])) orders = orders.exchanged();
        count(p, orders, probability);
    }

    const AnswerSets& sets_;
    const JudgeAnswers& o_;
    FeedbackWording wording_;
    std::vector<Principle> principles_;
    std::vector<AnswerPair> pairs_;
    ResumableLines file_;
    JudgedAnswers result_;
};

}  // namespace

JudgedAnswers judge_answers(const AnswerSets& sets, const JudgeAnswers& o) { return PairJudge(sets, o).run(); }

FeedbackWording wording_of(const std::string& file) {
    return file.empty() ? FeedbackWording{} : wording_from_toml(read_file(file), file);
}

std::vector<Principle> principles_of(const std::string& file, PrincipleUse use) {
    return read_principles(file.empty() ? included_file("align/principles.jsonl") : fs::path(file), use);
}

}  // namespace gradus
