#include "engine/generate/generator.h"

#include <algorithm>
#include <string>

namespace gradus {

namespace {

Generator::Capacity resolved(Generator::Capacity c, const LanguageModel& model) {
    if (c.context <= 0 || c.context > model.config().context) c.context = model.config().context;
    c.rows = std::max(c.rows, c.sequences);
    return c;
}

// The ids of a sequence, each once: what the repetition penalty asks about.
class Seen {
public:
    Seen(int V, bool needed) : known_(needed ? size_t(V) : 0) {}
    void add(int32_t id) {
        if (known_.empty() || known_[size_t(id)]) return;
        known_[size_t(id)] = true;
        ids_.push_back(id);
    }
    const std::vector<int32_t>& ids() const { return ids_; }

private:
    std::vector<bool> known_;
    std::vector<int32_t> ids_;
};

}  // namespace

const char* name_of(Finish finish) {
    switch (finish) {
        case Finish::length: return "length";
        case Finish::context: return "context";
        case Finish::end_of_text: return "end_of_text";
        case Finish::stop: return "stop";
    }
    return "?";
}

struct Generator::Live {
    int prompt, place;  // its number among the prompts, and its sequence in the cache
    uint64_t stream;
    std::vector<int32_t> ids;  // prompt and what was generated
    size_t fed = 0;            // ids whose keys and values the cache holds
    Seen seen;
    int wanted = -1;  // its row of logits in this step
};

Generator::Generator(LanguageModel& model, const Capacity& capacity)
    : model_(model),
      capacity_(resolved(capacity, model)),
      step_(model, capacity_.sequences, capacity_.context, capacity_.rows) {}

void Generator::check(const std::vector<Prompt>& prompts) const {
    for (size_t i = 0; i < prompts.size(); ++i) {
        const std::vector<int32_t>& ids = prompts[i].ids;
        const std::string name = "prompt " + std::to_string(i + 1);
        if (ids.empty())
            throw Error(name + " is empty",
                        "a model continues at least one token, and this tokenizer has none that opens a text",
                        "--prompt 'some text'");
        if (ids.size() >= size_t(capacity_.context))
            throw Error(name + " leaves no room to continue it",
                        "it has " + std::to_string(ids.size()) + " tokens and the context holds " +
                            std::to_string(capacity_.context),
                        "shorten the prompt to fewer than " + std::to_string(capacity_.context) + " tokens");
        for (int32_t id : ids)
            if (id < 0 || id >= model_.config().V)
                throw Error(name + " holds the token " + std::to_string(id),
                            "the model's vocabulary has the ids 0 to " + std::to_string(model_.config().V - 1),
                            "use the tokenizer that belongs to this model");
    }
}

// One row for every sequence, and the rows that are left to those that have more to feed.
void Generator::feed(std::vector<Live>& live) {
    step_.begin();
    size_t spare = size_t(capacity_.rows) - live.size();
    for (Live& s : live) {
        const size_t lacking = s.ids.size() - s.fed, more = std::min(lacking - 1, spare);
        spare -= more;
        const size_t end = s.fed + 1 + more;
        s.wanted = -1;
        for (; s.fed < end; ++s.fed) {
            const CachedStep::Row row = {s.ids[s.fed], s.place, int32_t(s.fed)};
            if (s.fed + 1 == s.ids.size()) s.wanted = step_.add_wanted(row);
            else step_.add(row);
        }
    }
    step_.run();
}

std::vector<Generated> Generator::generate(const std::vector<Prompt>& prompts, const GenerateOptions& options,
                                           const OnToken& on_token) {
    check(prompts);
    Sampler sampler(options.sampling);
    std::vector<int32_t> ends = options.ends_of_text;
    if (ends.empty()) ends = {model_.config().end_of_text};  // −1 is drawn by nobody
    const bool penalised = options.sampling.repetition_penalty != 1;
    auto among = [](const std::vector<int32_t>& ids, int32_t id) { return std::count(ids.begin(), ids.end(), id) > 0; };

    std::vector<Generated> results(prompts.size());
    if (options.max_tokens <= 0) return results;
    std::vector<Live> live;
    std::vector<int> free_places;
    for (int place = capacity_.sequences - 1; place >= 0; --place) free_places.push_back(place);

    // Draws the next token of a sequence; false when it has ended.
    auto advance = [&](Live& s) {
        Generated& result = results[size_t(s.prompt)];
        const int32_t id = sampler.pick(step_.logits(s.wanted), s.seen.ids(), s.stream, s.ids.size());
        auto end = [&](Finish why) {
            result.finish = why;
            return false;
        };
        if (among(ends, id)) return end(Finish::end_of_text);
        if (among(options.stop_ids, id)) return end(Finish::stop);
        s.ids.push_back(id);
        s.seen.add(id);
        result.ids.push_back(id);
        if (on_token && !on_token(s.prompt, id)) return end(Finish::stop);
        if (result.ids.size() >= size_t(options.max_tokens)) return end(Finish::length);
        if (s.ids.size() >= size_t(capacity_.context)) return end(Finish::context);
        return true;
    };

    size_t next = 0;
    while (true) {
        for (; next < prompts.size() && !free_places.empty(); ++next) {
            const Prompt& p = prompts[next];
            live.push_back({int(next), free_places.back(), p.stream, p.ids, 0, Seen(model_.config().V, penalised), -1});
            for (int32_t id : p.ids) live.back().seen.add(id);
            free_places.pop_back();
        }
        if (live.empty()) return results;
        feed(live);
        std::erase_if(live, [&](Live& s) {
            if (s.wanted < 0 || advance(s)) return false;
            free_places.push_back(s.place);
            return true;
        });
    }
}

}  // namespace gradus
