#include "align/collect/ranking_file.h"

#include "align/collect/candidates.h"
#include "align/examples/fields.h"
#include "align/examples/records.h"
#include "data/text.h"
#include "engine/base/error.h"

namespace gradus {

namespace {

std::vector<int> integers(Fields& record, const std::string& key) {
    std::vector<int> numbers;
    for (const Json& item : record.array(key)) {
        if (!item.is_number_integer() || item < -1000000 || item > 1000000)
            record.fail("'" + key + "' has " + described(item) + ", where whole numbers must be");
        else numbers.push_back(item.get<int>());
    }
    return numbers;
}

Ranking ranking_of(Fields& record) {
    Ranking r;
    r.prompt = record.prompt();
    for (const Json& item : record.array("answers")) r.answers.push_back(record.answer(item, r.prompt));
    r.ranks = integers(record, "ranks");
    if (record.has("order")) r.order = integers(record, "order");
    r.rater = record.text_or("rater", "");
    r.time = record.text_or("time", "");
    if (record.has("seconds") && record.value("seconds").is_number()) r.seconds = record.value("seconds").get<double>();
    r.simulated = record.has("simulated") && record.value("simulated") == true;
    r.models = record.texts("models");
    if (!r.models.empty() && r.models.size() != r.answers.size())
        record.fail("it has " + std::to_string(r.answers.size()) + " answers but " + std::to_string(r.models.size()) +
                    " models");
    if (record.problem().empty() && r.answers.size() != r.ranks.size())
        record.fail("it has " + std::to_string(r.answers.size()) + " answers but " + std::to_string(r.ranks.size()) +
                    " ranks");
    return r;
}

std::vector<Ranking> rankings_in(const std::vector<std::string>& lines, const fs::path& path) {
    std::vector<Ranking> rankings;
    for (size_t i = 0; i < lines.size(); ++i) {
        if (trimmed(lines[i]).empty()) continue;
        const Record record = parse_record(lines[i], path.string() + ":" + std::to_string(i + 1));
        Fields fields(record.object);
        if (!record.problem.empty()) fields.fail(record.problem);
        Ranking ranking;
        if (fields.problem().empty()) ranking = ranking_of(fields);
        if (!fields.problem().empty())
            throw Error("bad ranking at '" + record.place + "'", fields.problem(),
                        "correct that line or remove it, or collect in another file: --out FILE.jsonl");
        rankings.push_back(std::move(ranking));
    }
    return rankings;
}

}  // namespace

std::string line_of(const Ranking& r) {
    nlohmann::ordered_json line;
    put_prompt(line, r.prompt);
    line["answers"] = r.answers;
    line["ranks"] = r.ranks;
    line["rater"] = r.rater;
    if (!r.time.empty()) line["time"] = r.time, line["seconds"] = r.seconds;
    if (!r.order.empty()) line["order"] = r.order;
    if (!r.models.empty()) line["models"] = r.models;
    if (r.simulated) line["simulated"] = true;
    return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::vector<Ranking> read_rankings(const fs::path& path) { return rankings_in(read_complete_lines(path).lines, path); }

RankingFile::RankingFile(const fs::path& path) : file_(path), rankings_(rankings_in(file_.lines(), path)) {}

void RankingFile::append(const Ranking& ranking) {
    file_.append(line_of(ranking));
    rankings_.push_back(ranking);
}

}  // namespace gradus
