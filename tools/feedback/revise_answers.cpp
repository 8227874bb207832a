#include "tools/feedback/revise_answers.h"

#include <algorithm>

#include "align/collect/candidates.h"
#include "engine/base/log.h"
#include "engine/base/philox.h"
#include "engine/base/signals.h"
#include "engine/checkpoint/checksum.h"
#include "tools/feedback/judge_answers.h"
#include "tools/feedback/resumable_lines.h"

namespace gradus {

namespace {

// What becomes of one prompt.
struct Revision {
    std::vector<std::string> answers, critiques;
    std::vector<const Principle*> principles;
    bool has_room = true;

    // The last answer with text.
    const std::string& last() const {
        static const std::string none;
        for (size_t i = answers.size(); i-- > 0;)
            if (!answers[i].empty()) return answers[i];
        return none;
    }
};

std::string hash_of(const std::vector<Conversation>& prompts, const std::vector<Principle>& principles,
                    const FeedbackWording& wording) {
    nlohmann::json all = nlohmann::json::array();
    for (const Conversation& p : prompts) all.push_back(identity_of(p, {}));
    for (const Principle& p : principles) all.push_back({p.critique, p.revision});
    all.push_back({wording.critique, wording.revision});
    return hexadecimal(checksum_of(all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
}

class Reviser {
public:
    Reviser(const std::vector<Conversation>& prompts, const ReviseAnswers& o)
        : prompts_(prompts),
          o_(o),
          wording_(wording_of(o.wording)),
          principles_(principles_of(o.principles, PrincipleUse::revise)),
          file_(o.out,
                {{"model", o.model.name},
                 {"judge", o.judge.name},
                 {"judge_model", o.judge.served},
                 {"rounds", o.rounds},
                 {"max_tokens", o.model.max_tokens},
                 {"temperature", o.model.temperature},
                 {"seed", o.seed},
                 {"inputs", hash_of(prompts, principles_, wording_)}},
                prompts.size()) {
        for (const nlohmann::json& line : file_.lines()) count(answers_in(line));
        result_.left_out = int64_t(file_.next() - file_.lines().size());
    }

    RevisedAnswers run() {
        result_.complete = file_.next() == prompts_.size() || revise_rest();
        return result_;
    }

private:
    // Groups of prompts are the same wherever an earlier command has stopped, and so is what is drawn for each. False: a
    // stop was requested.
    bool revise_rest() {
        const std::unique_ptr<Writer> model = make_writer(o_.model, o_.compute),
                                      other = o_.judge.name.empty() ? nullptr : make_writer(o_.judge, o_.compute);
        Writer& judge = other ? *other : *model;
        const size_t group = std::min(model->at_once(), judge.at_once()), done = file_.next();
        ProgressLine progress("revising");
        for (size_t first = done - done % group; first < prompts_.size(); first += group) {
            const size_t last = std::min(first + group, prompts_.size());
            std::vector<Revision> all(last - first);
            write_into(
                all, *model, first, 0, [&](size_t, const Conversation& prompt) { return prompt; },
                [](Revision & r) -> auto& { return r.answers; });
            for (int round = 0; round < o_.rounds; ++round) revise(all, judge, first, round);
            if (stop_requested()) return false;
            for (size_t i = std::max(first, done); i < last; ++i) write(i, all[i - first]);
            file_.flush();
            progress.update(double(last), double(prompts_.size()), "prompts");
        }
        return true;
    }

    void revise(std::vector<Revision>& all, Writer& judge, size_t first, int round) {
        for (size_t i = 0; i < all.size(); ++i)
            all[i].principles.push_back(&principles_[drawn_principle(o_.seed, identity_of(prompts_[first + i], {}),
                                                                     uint64_t(round), principles_.size())]);
        write_into(
            all, judge, first, 1 + 2 * round,
            [&](size_t i, const Conversation& prompt) -> Conversation {
                return {{"user", critique_request(wording_, prompt, all[i].last(), *all[i].principles.back())}};
            },
            [](Revision & r) -> auto& { return r.critiques; });
        write_into(
            all, judge, first, 2 + 2 * round,
            [&](size_t i, const Conversation& prompt) -> Conversation {
                return {{"user", revision_request(wording_, prompt, all[i].last(), all[i].critiques.back(),
                                                  *all[i].principles.back())}};
            },
            [](Revision & r) -> auto& { return r.answers; });
    }

    // One turn of every prompt of a group that still has room: request(i, prompt) is answered, and the text goes into the
    // list that part(revision) names.
    template <class Request, class Part>
    void write_into(std::vector<Revision>& all, Writer& writer, size_t first, int turn, Request&& request,
                    Part&& part) const {
        std::vector<Conversation> conversations;
        std::vector<size_t> places;
        for (size_t i = 0; i < all.size(); ++i) {
            if (!all[i].has_room || stop_requested()) continue;
            conversations.push_back(request(i, prompts_[first + i]));
            places.push_back(i);
        }
        if (conversations.empty()) return;
        const auto texts = writer.write(conversations, key_of(o_.seed, uint64_t(turn), uint64_t(first)));
        for (size_t k = 0; k < places.size(); ++k) {
            all[places[k]].has_room = texts[k].has_value();
            if (texts[k]) part(all[places[k]]).push_back(*texts[k]);
        }
    }

    void write(size_t item, const Revision& r) {
        if (!r.has_room || r.last().empty()) {
            ++result_.left_out;
            return;
        }
        nlohmann::ordered_json prompt, line, principles = nlohmann::ordered_json::array();
        put_prompt(prompt, prompts_[item]);
        for (const Principle* p : r.principles)
            principles.push_back({{"critique", p->critique}, {"revision", p->revision}});
        line["prompt"] = prompt.front();
        line["completion"] = r.last();
        line["answers"] = r.answers;
        line["critiques"] = r.critiques;
        line["principles"] = principles;
        file_.append(item, line);
        count({r.answers.front(), r.last()});
    }

    struct FirstAndLast {
        std::string first, last;
    };
    void count(const FirstAndLast& a) {
        const double n = double(++result_.written);
        result_.changed += a.first != a.last;
        result_.first_length += (double(a.first.size()) - result_.first_length) / n;
        result_.last_length += (double(a.last.size()) - result_.last_length) / n;
    }

    // Of a line of an earlier command.
    FirstAndLast answers_in(const nlohmann::json& line) const {
        const nlohmann::json answers = line.value("answers", nlohmann::json()),
                             last = line.value("completion", nlohmann::json());
        if (!answers.is_array() || answers.empty() || !answers[0].is_string() || !last.is_string())
            throw Error("a line of '" + o_.out + "' was edited", "item " + line["item"].dump() + " has no answers",
                        "remove the file, or name another: --out FILE.jsonl");
        return {answers[0], last};
    }

    const std::vector<Conversation>& prompts_;
    const ReviseAnswers& o_;
    FeedbackWording wording_;
    std::vector<Principle> principles_;
    ResumableLines file_;
    RevisedAnswers result_;
};

}  // namespace

RevisedAnswers revise_answers(const std::vector<Conversation>& prompts, const ReviseAnswers& o) {
    return Reviser(prompts, o).run();
}

}  // namespace gradus
