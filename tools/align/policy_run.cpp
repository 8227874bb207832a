#include "tools/align/policy_run.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <cstring>

#include "align/batches/share.h"
#include "align/samples/samples.h"
#include "align/samples/weighted_file.h"
#include "engine/checkpoint/checksum.h"
#include "tokenizer/stream_decoder.h"
#include "tools/align/judged_examples.h"

namespace gradus {

namespace {

// A rollout as bytes for the other ranks, and back.
std::string packed(const Rollout& r) {
    const int32_t head[] = {r.prompt_length, int32_t(r.ended), r.text.size()};
    std::string bytes(reinterpret_cast<const char*>(head), sizeof head);
    bytes.append(reinterpret_cast<const char*>(r.text.ids.data()), r.text.ids.size() * sizeof(int32_t));
    return bytes;
}

Rollout unpacked(const std::string& bytes, size_t& at) {
    int32_t head[3];
    std::memcpy(head, bytes.data() + at, sizeof head);
    at += sizeof head;
    Rollout r{.prompt_length = head[0], .ended = head[1] != 0};
    r.text.ids.resize(size_t(head[2]));
    std::memcpy(r.text.ids.data(), bytes.data() + at, r.text.ids.size() * sizeof(int32_t));
    at += r.text.ids.size() * sizeof(int32_t);
    for (int t = 0; t < r.text.size(); ++t) r.text.learnt.push_back(t >= r.prompt_length);
    return r;
}

}  // namespace

PolicyPrompts read_prompts(AlignedRun& run) {
    const RolloutSettings& s = run.config().rollouts();
    const std::string command = fmt::format("gradus {}", of_stage(run.config().stage).name);
    const int64_t room = run.config().train.context - s.max_tokens;
    if (room < 1)
        throw Error(
            fmt::format("answers of {} tokens leave no room for a prompt", s.max_tokens),
            fmt::format("train.context = {}", run.config().train.context),
            fmt::format("--set {}.max_tokens={}", of_stage(run.config().stage).name, run.config().train.context / 2));
    PolicyPrompts all;
    std::string hashes;
    size_t dropped = 0;
    for (const std::string& path : s.prompts) {
        hashes += hexadecimal(checksum_of(read_file(path)));
        const ExampleFile file = read_examples(path, {.format = s.format}, Needs{Kind::prompt, command});
        tell(fmt::format("examples {}\n", summary_of(file)));
        for (size_t i = 0; i < file.examples.size(); ++i) {
            const auto& q = file.at<Question>(i);
            std::vector<int32_t> ids = fitted_prompt(q.prompt, run.chat(), int(room));
            if (ids.empty()) {
                ++dropped;
                continue;
            }
            all.ids.push_back(std::move(ids));
            all.texts.push_back(q.prompt);
            all.references.push_back(q.reference);
        }
    }
    if (dropped > 0) note(fmt::format("{} prompts were dropped: they do not fit into {} tokens", dropped, room));
    if (all.ids.empty())
        throw Error("there are no prompts to answer", fmt::format("none of {} fits into {} tokens", dropped, room),
                    "raise train.context, or lower max_tokens");
    all.hash = hexadecimal(checksum_of(hashes + json_of(run.chat().chat_template())));
    return all;
}

std::vector<int> prompts_of_iteration(int64_t iteration, int64_t answers, int64_t group, int64_t prompts,
                                      uint64_t seed) {
    std::vector<int> chosen;
    for (const int p : examples_of_step(iteration, answers / group, prompts, seed))
        chosen.insert(chosen.end(), size_t(group), p);
    return chosen;
}

std::vector<Rollout> roll_out_on_ranks(Generator& generator, const PolicyPrompts& prompts,
                                       const std::vector<int>& chosen, const RolloutOptions& options, const Comm& dp) {
    const Share mine = share_of(int(chosen.size()), dp);
    std::vector<std::vector<int32_t>> ids;
    for (int i = mine.first; i < mine.last; ++i) ids.push_back(prompts.ids[size_t(chosen[size_t(i)])]);
    RolloutOptions own = options;
    own.first_stream = options.first_stream + uint64_t(mine.first);
    const std::vector<Rollout> here = roll_out(generator, ids, own);
    if (dp.size == 1) return here;
    std::string bytes;
    for (const Rollout& r : here) bytes += packed(r);
    std::vector<Rollout> all;
    for (const std::string& of_rank : dp.gather(bytes))
        for (size_t at = 0; at < of_rank.size();) all.push_back(unpacked(of_rank, at));
    return all;
}

void write_samples(JsonLines& file, int64_t step, const PolicyPrompts& prompts, const std::vector<int>& chosen,
                   const std::vector<Rollout>& answers, const std::vector<double>& scores, const ChatEncoder& chat) {
    constexpr size_t shown = 3;
    for (size_t i = 0; i < std::min(shown, answers.size()); ++i) {
        const Rollout& r = answers[i];
        const std::span<const int32_t> ids(r.text.ids.data() + r.prompt_length, size_t(r.answer_length()));
        file.write({{"step", step},
                    {"prompt", prompts.texts[size_t(chosen[i])].back().content},
                    {"text", replace_invalid_utf8(chat.answer_of(ids).text)},
                    {"score", scores[i]},
                    {"ended", r.ended}});
    }
}

UpdateConfig in_updates(const UpdateConfig& c, int64_t per_step) {
    UpdateConfig u = c;
    u.schedule.steps *= per_step;
    u.schedule.warmup *= per_step;
    u.schedule.cooldown *= per_step;
    return u;
}

}  // namespace gradus
