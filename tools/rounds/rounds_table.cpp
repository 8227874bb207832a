#include "tools/rounds/rounds_table.h"

#include <fmt/format.h>

#include "align/collect/line_file.h"
#include "align/collect/model_comparison.h"
#include "align/collect/ranking_file.h"

namespace gradus {

namespace {

using Json = nlohmann::json;

std::optional<double> number(const Json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_number()) return std::nullopt;
    return found->get<double>();
}

// A key's last value in a log of JSON lines.
std::optional<double> last_of(const fs::path& log, const char* key) {
    const std::vector<std::string> lines = read_complete_lines(log).lines;
    for (auto line = lines.rbegin(); line != lines.rend(); ++line)
        if (const Json object = Json::parse(*line, nullptr, false); object.is_object())
            if (const auto value = number(object, key)) return value;
    return std::nullopt;
}

// The figures of gradus stages for one of its models.
void take_measured(RoundRow& row, const fs::path& file, const std::string& stage) {
    if (!fs::exists(file)) return;
    const Json list = Json::parse(read_file(file), nullptr, false);
    for (const Json& measured : list) {
        if (!measured.is_object() || measured.value("stage", "") != stage) continue;
        row.utility = number(measured, "utility");
        row.score = number(measured, "score");
        row.kl = number(measured, "kl");
        row.length = number(measured, "length");
        row.ended = number(measured, "ended");
    }
}

std::string cell(const std::optional<double>& value, const char* form) {
    return value ? fmt::format(fmt::runtime(form), *value) : "";
}

std::string share_text(const std::optional<Accuracy>& a) {
    if (!a) return "";
    const Interval i = a->interval();
    return fmt::format("{:.0f}% ({:.0f}% to {:.0f}%)", 100 * a->share(), 100 * i.low, 100 * i.high);
}

}  // namespace

RoundRow read_round(const RoundsConfig& config, int round) {
    const RoundPlan plan(config, round, 0), next(config, round + 1, 0);
    RoundRow row{.round = round, .policy = plan.policy()};
    for (const std::string& file : config.rounds.rankings) row.rankings += int64_t(read_rankings(file).size());
    for (int r = 1; r <= round; ++r) row.rankings += int64_t(read_rankings(RoundPlan(config, r, 0).rankings()).size());
    row.accuracy = last_of(plan.reward() / "log.jsonl", "val_accuracy");
    const fs::path log = plan.policy() / "log.jsonl";
    row.score = last_of(log, "score");
    row.kl = last_of(log, "kl");
    row.length = last_of(log, "length");
    row.ended = last_of(log, "ended");
    take_measured(row, plan.measured(), fmt::format("round-{}", round));
    if (fs::exists(next.rankings()))
        for (const ModelComparison& c : compared_models(read_rankings(next.rankings())))
            if (c.one == config.rounds.policy && c.other == row.policy) row.preferred = c.preferred;
    return row;
}

std::vector<RoundRow> read_rounds(const RoundsConfig& config, int done) {
    std::vector<RoundRow> rows = {{.round = 0, .policy = config.rounds.policy}};
    take_measured(rows[0], RoundPlan(config, 1, 0).measured(), "policy");
    if (!rows[0].utility) rows.clear();
    for (int round = 1; round <= done; ++round) rows.push_back(read_round(config, round));
    return rows;
}

std::string text_of(const std::vector<RoundRow>& rows) {
    std::string text =
        "accuracy: of the reward model on rankings held out; score: of the policy, by that reward model; KL: from the "
        "first\n"
        "policy, in nats per answer; preferred: by the next round's raters, to the first policy\n\n";
    text += fmt::format("{:>5} {:>9} {:>9} {:>7} {:>6} {:>7} {:>6} {:>8}  {}\n", "round", "rankings", "accuracy",
                        "score", "KL", "length", "ended", "utility", "preferred");
    for (const RoundRow& r : rows)
        text += fmt::format("{:>5} {:>9} {:>9} {:>7} {:>6} {:>7} {:>6} {:>8}  {}\n", r.round, r.rankings,
                            cell(r.accuracy, "{:.3f}"), cell(r.score, "{:+.2f}"), cell(r.kl, "{:.2f}"),
                            cell(r.length, "{:.1f}"), cell(r.ended, "{:.2f}"), cell(r.utility, "{:.2f}"),
                            share_text(r.preferred));
    return text;
}

nlohmann::ordered_json json_of(const std::vector<RoundRow>& rows) {
    const auto value = [](const std::optional<double>& x) {
        return x ? nlohmann::ordered_json(*x) : nlohmann::ordered_json();
    };
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const RoundRow& r : rows)
        list.push_back({{"round", r.round},
                        {"model", r.policy},
                        {"rankings", r.rankings},
                        {"accuracy", value(r.accuracy)},
                        {"score", value(r.score)},
                        {"kl", value(r.kl)},
                        {"length", value(r.length)},
                        {"ended", value(r.ended)},
                        {"utility", value(r.utility)},
                        {"preferred", r.preferred ? nlohmann::ordered_json(r.preferred->share()) : nullptr}});
    return list;
}

}  // namespace gradus
