#include "tools/feedback/model_judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/chat_template_of.h"

namespace gradus {

namespace {

constexpr int sequences_together = 16, rows_together = 512;  // in the key/value cache, and in a step

double log_sum_exp(std::span<const float> logits) {
    double most = logits[0], sum = 0;
    for (const float x : logits) most = std::max(most, double(x));
    for (const float x : logits) sum += std::exp(double(x) - most);
    return most + std::log(sum);
}

}  // namespace

struct ModelJudge::Scored {
    struct Target {
        size_t position;  // of the id before the target
        int32_t id;
        double* log_prob;  // what its log-probability is added to
    };
    std::vector<int32_t> ids;
    std::vector<Target> targets;  // in ascending order of positions
};

ModelJudge::ModelJudge(const FeedbackModel& m, const FeedbackWording& wording, const ComputeOptions& compute)
    : folder_(open_model_folder(m.name)),
      chat_(chat_encoder_of(folder_.folder, folder_.tokenizer, m.name, m.chat_template, m.template_option + " ")),
      wording_(wording),
      model_(load_model(folder_, ops_of(compute.device), parse_dtype(compute.dtype), {})) {}

// False: it does not fit into the context.
bool ModelJudge::add_request(const std::string& request, LabelLogProbs& into, std::vector<Scored>& list) const {
    const auto ids_of = [&](const std::string& label) {
        return chat_.encode({{"user", request}, {"assistant", wording_.lead + label}}).ids;
    };
    const std::vector<int32_t> a = ids_of(wording_.labels[0]), b = ids_of(wording_.labels[1]);
    const size_t first = size_t(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
    if (a.size() != b.size() || first == a.size() || first == 0)
        throw Error(
            fmt::format("the labels '{}' and '{}' cannot be compared", wording_.labels[0], wording_.labels[1]),
            fmt::format("the judge's tokenizer makes {} ids of a reply with the one and {} with the other, where "
                        "both must have as many",
                        a.size(), b.size()),
            "name others with --wording: labels = [\"1\", \"2\"]");
    const size_t same_at_end = size_t(std::mismatch(a.rbegin(), a.rend(), b.rbegin()).first - a.rbegin());
    const size_t last = a.size() - same_at_end;  // the labels are [first, last)
    if (last - 1 > size_t(folder_.config.context)) return false;
    const auto scored = [&](const std::vector<int32_t>& ids, double& log_prob) {
        Scored s{{ids.begin(), ids.begin() + int64_t(last) - 1}, {}};
        for (size_t n = first; n < last; ++n) s.targets.push_back({n - 1, ids[n], &log_prob});
        return s;
    };
    list.push_back(scored(a, into.a));
    if (last == first + 1) list.back().targets.push_back({first - 1, b[first], &into.b});  // of the same pass
    else list.push_back(scored(b, into.b));
    return true;
}

std::vector<std::optional<LabelLogProbs>> ModelJudge::compare(const std::vector<std::string>& requests) {
    std::vector<std::optional<LabelLogProbs>> all(requests.size());
    std::vector<Scored> list;
    for (size_t i = 0; i < requests.size(); ++i) {
        all[i].emplace();
        if (!add_request(requests[i], *all[i], list)) all[i].reset();
    }
    run(list);
    return all;
}

void ModelJudge::run(std::vector<Scored>& list) {
    size_t longest = 0;
    for (const Scored& s : list) longest = std::max(longest, s.ids.size());
    if (int(longest) > positions_) {
        positions_ = int(longest);
        step_.reset();  // before memory for the longer one is taken
        step_.emplace(*model_, sequences_together, positions_, rows_together);
    }
    for (size_t i = 0; i < list.size(); i += sequences_together)
        run_together(std::span(list).subspan(i, std::min<size_t>(sequences_together, list.size() - i)));
}

void ModelJudge::run_together(std::span<Scored> list) {
    using Targets = std::vector<std::pair<int32_t, double*>>;
    std::vector<Targets> wanted;
    int rows = 0;
    const auto flush = [&] {
        if (rows > 0) step_->run();
        for (size_t w = 0; w < wanted.size(); ++w) add_log_probs(int(w), wanted[w]);
        wanted.clear();
        rows = 0;
        step_->begin();
    };
    step_->begin();
    for (size_t s = 0; s < list.size(); ++s) {
        auto target = list[s].targets.begin();
        for (size_t t = 0; t < list[s].ids.size(); ++t) {
            if (rows == rows_together || wanted.size() == size_t(sequences_together)) flush();
            const CachedStep::Row row = {list[s].ids[t], int32_t(s), int32_t(t)};
            ++rows;
            Targets targets;
            for (; target != list[s].targets.end() && target->position == t; ++target)
                targets.push_back({target->id, target->log_prob});
            if (targets.empty()) {
                step_->add(row);
            } else {
                step_->add_wanted(row);
                wanted.push_back(std::move(targets));
            }
        }
    }
    flush();
}

void ModelJudge::add_log_probs(int wanted, const std::vector<std::pair<int32_t, double*>>& targets) {
    const std::span<const float> logits = step_->logits(wanted).first(size_t(folder_.config.V));
    const double all = log_sum_exp(logits);
    if (!std::isfinite(all))
        throw Error("the judge's logits are not finite numbers",
                    "the model's weights are damaged, or the dtype's range is too small for them",
                    "--dtype f32, or an earlier checkpoint of the run");
    for (const auto& [id, log_prob] : targets) *log_prob += double(logits[size_t(id)]) - all;
}

ModelWriter::ModelWriter(const FeedbackModel& m, const ComputeOptions& compute)
    : model_(m.name, m.chat_template, ops_of(compute.device), parse_dtype(compute.dtype), {}) {
    options_.rollout.max_tokens = m.max_tokens;
    options_.rollout.temperature = m.temperature;
    if (const int context = model_.folder().config.context; m.max_tokens >= context)
        throw Error(fmt::format("answers of {} tokens leave no room for a prompt", m.max_tokens),
                    fmt::format("the context of '{}' is {} tokens", m.name, context),
                    fmt::format("--max-tokens {}", std::max(1, context / 2)));
}

std::vector<std::optional<std::string>> ModelWriter::write(const std::vector<Conversation>& all, uint64_t seed) {
    const int longest = model_.folder().config.context - options_.rollout.max_tokens;
    std::vector<Conversation> fitting;
    std::vector<size_t> places;
    for (size_t i = 0; i < all.size(); ++i) {
        if (int(model_.chat().encode_prompt(all[i]).size()) > longest) continue;
        fitting.push_back(all[i]);
        places.push_back(i);
    }
    std::vector<std::optional<std::string>> texts(all.size());
    if (fitting.empty()) return texts;
    options_.rollout.seed = seed;
    const std::vector<Rollout> answers = model_.answer(fitting, options_);
    for (size_t i = 0; i < answers.size(); ++i) texts[places[i]] = model_.text_of(answers[i]);
    return texts;
}

}  // namespace gradus
