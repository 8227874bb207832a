#include "align/collect/candidates.h"

#include <algorithm>

#include "align/examples/fields.h"
#include "align/examples/records.h"
#include "engine/base/error.h"
#include "engine/base/fnv.h"
#include "engine/base/plural.h"

namespace gradus {

namespace {

uint64_t hash_text(uint64_t h, const std::string& text) {
    h = fnv1a(h, text.size());
    for (char c : text) h = fnv_step(h, uint8_t(c));
    return h;
}

}  // namespace

uint64_t identity_of(const Conversation& prompt, const std::vector<std::string>& answers) {
    uint64_t h = fnv1a(fnv_start, prompt.size());
    for (const Message& m : prompt) h = hash_text(hash_text(h, m.role), m.content);
    for (const std::string& answer : answers) h = hash_text(h, answer);
    return h;
}

void CandidateList::add(Conversation prompt, const std::vector<std::string>& answers,
                        const std::vector<std::string>& models) {
    CHECK(models.empty() || models.size() == answers.size());
    Candidates c{std::move(prompt), {}, {}};
    for (size_t i = 0; i < answers.size(); ++i) {
        if (std::count(c.answers.begin(), c.answers.end(), answers[i]) > 0) continue;
        c.answers.push_back(answers[i]);
        if (!models.empty()) c.models.push_back(models[i]);
    }
    if (answers.empty()) return skip("without answers");
    if (c.answers.size() < 2) return skip("whose answers are all equal");
    if (!present_.insert(identity_of(c.prompt, c.answers)).second) return skip("repeated with the same answers");
    all_.push_back(std::move(c));
}

std::string CandidateList::skipped() const {
    std::string text;
    for (const auto& [reason, n] : skipped_)
        text += (text.empty() ? "skipped: " : ", ") + number_of(n, "prompt") + " " + reason;
    return text;
}

CandidateList read_candidates(const fs::path& path) {
    CandidateList list;
    RecordReader records(path);
    for (Record record; records.next(record);) {
        Fields fields(record.object);
        if (!record.problem.empty()) fields.fail(record.problem);
        Conversation prompt;
        std::vector<std::string> answers, models;
        if (fields.problem().empty()) {
            prompt = fields.prompt();
            for (const Json& item : fields.array("answers")) answers.push_back(fields.answer(item, prompt));
            models = fields.texts("models");
            if (!models.empty() && models.size() != answers.size())
                fields.fail("it has " + std::to_string(answers.size()) + " answers but " +
                            std::to_string(models.size()) + " models");
        }
        if (!fields.problem().empty())
            throw Error("bad answers at '" + record.place + "'", fields.problem(),
                        R"(write lines such as {"prompt": "…", "answers": ["…", "…"]})");
        list.add(std::move(prompt), answers, models);
    }
    return list;
}

void require_candidates(const CandidateList& list, const fs::path& path) {
    if (!list.all().empty()) return;
    const std::string skipped = list.skipped();
    throw Error("'" + path.string() + "' has nothing to rank", skipped.empty() ? "the file is empty" : skipped,
                "name a file of prompts that have two different answers or more; answers of a model differ with a "
                "higher --temperature");
}

void put_prompt(nlohmann::ordered_json& object, const Conversation& prompt) {
    if (prompt.size() == 1 && prompt[0].role == "user" && transcript(prompt[0].content).empty()) {
        object["prompt"] = prompt[0].content;
        return;
    }
    nlohmann::ordered_json& messages = object["messages"] = nlohmann::ordered_json::array();
    for (const Message& m : prompt) messages.push_back({{"role", m.role}, {"content", m.content}});
}

}  // namespace gradus
