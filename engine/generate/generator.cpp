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

// The distinct ids of a sequence, for the repetition penalty.
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

bool contains(const std::vector<int32_t>& ids, int32_t id) { return std::count(ids.begin(), ids.end(), id) > 0; }

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

struct Generator::Sequence {
    int request;
    uint64_t stream;
    GenerateOptions options;
    std::vector<int32_t> ids;  // of the prompt and the continuation
    size_t prompt;             // its number of ids
    Seen seen;
    int place = -1;      // its slot in the cache
    size_t fed = 0;      // ids whose keys and values are in the cache
    bool draws = false;  // in this step
    bool ended = false;
};

Generator::Generator(LanguageModel& model, const Capacity& capacity)
    : model_(model),
      capacity_(resolved(capacity, model)),
      step_(model, capacity_.sequences, capacity_.context, capacity_.rows),
      sampler_(model.run, capacity_.sequences, capacity_.context) {
    for (int place = capacity_.sequences - 1; place >= 0; --place) free_places_.push_back(place);
}

Generator::~Generator() = default;

void Generator::check(const Prompt& prompt, const GenerateOptions& options, const std::string& name) const {
    validate(options.sampling);
    if (prompt.ids.empty())
        throw Error(name + " is empty",
                    "a model needs at least one token to continue, and this tokenizer has no token that begins a text",
                    "--prompt 'some text'");
    if (prompt.ids.size() >= size_t(capacity_.context))
        throw Error(name + " is too long to continue",
                    "it has " + std::to_string(prompt.ids.size()) + " tokens and the context is " +
                        std::to_string(capacity_.context),
                    "shorten the prompt to fewer than " + std::to_string(capacity_.context) + " tokens");
    for (int32_t id : prompt.ids)
        if (id < 0 || id >= model_.config().V)
            throw Error(name + " has the token " + std::to_string(id),
                        "the model's vocabulary has the ids 0 to " + std::to_string(model_.config().V - 1),
                        "use the tokenizer that belongs to this model");
}

int Generator::add(const Prompt& prompt, const GenerateOptions& options) {
    check(prompt, options, "the prompt");
    const bool penalised = options.sampling.repetition_penalty != 1;
    Sequence s = {requests_, prompt.stream, options, prompt.ids, prompt.ids.size(), Seen(model_.config().V, penalised)};
    if (s.options.ends_of_text.empty()) s.options.ends_of_text = {model_.config().end_of_text};  // −1 is never drawn
    for (int32_t id : s.ids) s.seen.add(id);
    if (options.max_tokens > 0) waiting_.push_back(std::make_unique<Sequence>(std::move(s)));
    return requests_++;
}

void Generator::admit() {
    while (!waiting_.empty() && !free_places_.empty()) {
        live_.push_back(std::move(*waiting_.front()));
        waiting_.pop_front();
        live_.back().place = free_places_.back();
        free_places_.pop_back();
    }
}

// One row for each sequence; spare rows go to sequences with more ids to feed. A step of rows that all draw is padded with rows
// of free places.
void Generator::feed() {
    step_.begin();
    size_t spare = size_t(capacity_.rows) - live_.size();
    bool every_row_draws = true;
    for (Sequence& s : live_) {
        const size_t lacking = s.ids.size() - s.fed, more = std::min(lacking - 1, spare);
        spare -= more;
        const size_t end = s.fed + 1 + more;
        s.draws = end == s.ids.size();
        every_row_draws = every_row_draws && s.draws && more == 0;
        for (; s.fed < end; ++s.fed) {
            const CachedStep::Row row = {s.ids[s.fed], s.place, int32_t(s.fed)};
            if (s.fed + 1 == s.ids.size()) step_.add_wanted(row);
            else step_.add(row);
        }
    }
    if (every_row_draws) {
        const size_t padding = size_t(step_.padded_rows(int(live_.size()))) - live_.size();
        for (size_t i = 0; i < padding; ++i) step_.add_padding(free_places_[i]);
    }
    step_.run();
}

std::optional<Finish> Generator::finish_of(const Sequence& s, int32_t id) const {
    if (contains(s.options.ends_of_text, id)) return Finish::end_of_text;
    if (contains(s.options.stop_ids, id)) return Finish::stop;
    if (s.ids.size() + 1 - s.prompt >= size_t(s.options.max_tokens)) return Finish::length;
    if (s.ids.size() + 1 >= size_t(capacity_.context)) return Finish::context;
    return std::nullopt;
}

void Generator::draw() {
    std::vector<TokenSampler::Row> rows;
    for (const Sequence& s : live_)
        if (s.draws) rows.push_back({s.options.sampling, s.stream, int64_t(s.ids.size()), s.seen.ids()});
    if (rows.empty()) return;
    auto next = sampler_.draw(step_.device_logits(), rows).begin();
    step_.waited();
    for (Sequence& s : live_) {
        if (!s.draws) continue;
        const auto [id, log_prob] = *next++;
        const std::optional<Finish> finish = finish_of(s, id);
        s.ids.push_back(id);
        s.seen.add(id);
        s.ended = finish.has_value();
        drawn_.push_back({s.request, id, log_prob, finish});
    }
}

bool Generator::step() {
    admit();
    if (live_.empty()) return false;
    feed();
    draw();
    std::erase_if(live_, [&](const Sequence& s) {
        if (s.ended) free_places_.push_back(s.place);
        return s.ended;
    });
    return true;
}

std::vector<Drawn> Generator::poll() { return std::exchange(drawn_, {}); }

void Generator::end(int request) {
    std::erase_if(waiting_, [&](const auto& s) { return s->request == request; });
    std::erase_if(live_, [&](const Sequence& s) {
        if (s.request == request) free_places_.push_back(s.place);
        return s.request == request;
    });
}

std::vector<Generated> Generator::generate(const std::vector<Prompt>& prompts, const GenerateOptions& options,
                                           const OnToken& on_token) {
    CHECK(live_.empty() && waiting_.empty() && drawn_.empty(), "generate() while other requests are active");
    for (size_t i = 0; i < prompts.size(); ++i) check(prompts[i], options, "prompt " + std::to_string(i + 1));
    const int first = requests_;
    for (const Prompt& p : prompts) add(p, options);
    std::vector<Generated> results(prompts.size());
    while (step())
        for (const Drawn& d : poll()) {
            const int prompt = d.request - first;
            Generated& g = results[size_t(prompt)];
            if (d.finish) g.finish = *d.finish;
            if (!d.is_text()) continue;
            g.ids.push_back(d.id);
            g.log_probs.push_back(d.log_prob);
            if (!on_token || on_token(prompt, d.id)) continue;
            g.finish = Finish::stop;
            end(d.request);
        }
    return results;
}

}  // namespace gradus
