#include "align/examples/example.h"

#include <algorithm>

#include "engine/base/error.h"

namespace gradus {

namespace {

Conversation with_answer(Conversation prompt, const std::string& answer) {
    prompt.push_back({"assistant", answer});
    return prompt;
}

Question prompt_of(const Example& example) {
    return std::visit(
        [](const auto& e) -> Question {
            using T = std::decay_t<decltype(e)>;
            if constexpr (std::is_same_v<T, Demonstration>) {
                Question prompt{e.conversation, e.conversation.back().content};
                prompt.prompt.pop_back();
                return prompt;
            } else if constexpr (std::is_same_v<T, PlainText>) return {};
            else return {e.prompt, ""};
        },
        example);
}

std::vector<Example> pairs_of(const Ranking& r) {
    std::vector<Example> pairs;
    for (size_t i = 0; i < r.answers.size(); ++i)
        for (size_t j = i + 1; j < r.answers.size(); ++j) {
            if (r.ranks[i] == r.ranks[j] || r.answers[i] == r.answers[j]) continue;
            const size_t better = r.ranks[i] < r.ranks[j] ? i : j, worse = i + j - better;
            pairs.push_back(Preference{r.prompt, r.answers[better], r.answers[worse]});
        }
    return pairs;
}

std::vector<Example> labels_of(const Preference& p) {
    return {Unpaired{p.prompt, p.chosen, true}, Unpaired{p.prompt, p.rejected, false}};
}

std::vector<Example> labels_of(const Ranking& r) {
    std::vector<Example> labels;
    for (const Example& pair : pairs_of(r))
        for (Example& label : labels_of(std::get<Preference>(pair))) labels.push_back(std::move(label));
    return labels;
}

std::vector<Example> demonstrations_of(const Example& example) {
    if (const auto* p = std::get_if<Preference>(&example)) return {Demonstration{with_answer(p->prompt, p->chosen)}};
    if (const auto* r = std::get_if<Ranking>(&example))
        return {Demonstration{with_answer(r->prompt, r->answers[best_answer(*r)])}};
    const auto& u = std::get<Unpaired>(example);
    if (!u.good) return {};
    return {Demonstration{with_answer(u.prompt, u.answer)}};
}

}  // namespace

std::string name_of(Kind kind) {
    switch (kind) {
        case Kind::demonstration: return "demonstrations";
        case Kind::preference: return "preference pairs";
        case Kind::ranking: return "rankings";
        case Kind::unpaired: return "answers with a label";
        case Kind::prompt: return "prompts without answers";
        case Kind::text: break;
    }
    return "plain texts";
}

bool can_be(Kind kind, Kind wanted) {
    if (kind == wanted) return true;
    switch (wanted) {
        case Kind::demonstration: return kind == Kind::preference || kind == Kind::ranking || kind == Kind::unpaired;
        case Kind::preference: return kind == Kind::ranking;
        case Kind::ranking: return kind == Kind::preference;
        case Kind::unpaired: return kind == Kind::preference || kind == Kind::ranking;
        case Kind::prompt: return kind != Kind::text;
        case Kind::text: break;
    }
    return false;
}

std::vector<Example> converted(const Example& example, Kind wanted) {
    const Kind kind = Kind(example.index());
    CHECK(can_be(kind, wanted));
    if (kind == wanted) return {example};
    switch (wanted) {
        case Kind::demonstration: return demonstrations_of(example);
        case Kind::preference: return pairs_of(std::get<Ranking>(example));
        case Kind::prompt: return {prompt_of(example)};
        default: break;
    }
    if (const auto* r = std::get_if<Ranking>(&example)) return labels_of(*r);
    const auto& p = std::get<Preference>(example);
    if (wanted == Kind::ranking) {
        Ranking ranking;
        ranking.prompt = p.prompt;
        ranking.answers = {p.chosen, p.rejected};
        ranking.ranks = {1, 2};
        ranking.probability = p.probability;
        return {ranking};
    }
    return labels_of(p);
}

size_t best_answer(const Ranking& ranking) {
    return size_t(std::min_element(ranking.ranks.begin(), ranking.ranks.end()) - ranking.ranks.begin());
}

}  // namespace gradus
