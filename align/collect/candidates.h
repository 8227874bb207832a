#pragma once
// A prompt with the answers that people rank, and the files that hold them: JSON lines
//
//   {"prompt": TEXT or "messages": [{"role", "content"}, …], "answers": [TEXT, …], "models": [TEXT, …]}
//
// `models`, which may be absent, names the author of each answer: ranked blind, they are compared afterwards.
// Only distinct answers can be ranked. A prompt with fewer than two of them, and a prompt that occurs again with the
// same answers, is skipped and counted.
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "align/template/message.h"
#include "engine/base/file.h"

namespace gradus {

struct Candidates {
    Conversation prompt;               // ends with a question
    std::vector<std::string> answers;  // distinct
    std::vector<std::string> models;   // who wrote each; empty: unknown
    bool operator==(const Candidates&) const = default;
};

// The same for the same prompt with the same answers in the same order, in every run.
uint64_t identity_of(const Conversation& prompt, const std::vector<std::string>& answers);

class CandidateList {
public:
    // models: one for each answer, or none. Of equal answers the first counts.
    void add(Conversation prompt, const std::vector<std::string>& answers, const std::vector<std::string>& models = {});
    void skip(const std::string& reason) { ++skipped_[reason]; }

    const std::vector<Candidates>& all() const { return all_; }
    // "skipped: 2 prompts whose answers are all equal, …"; "" if nothing was skipped.
    std::string skipped() const;

private:
    std::vector<Candidates> all_;
    std::set<uint64_t> present_;
    std::map<std::string, int64_t> skipped_;
};

// Error with file and line for a record that is not as above; Error if nothing is left to rank.
CandidateList read_candidates(const fs::path& path);
void require_candidates(const CandidateList& list, const fs::path& path);

// Writes a prompt as the readers of align/examples read it: a single message of the user as "prompt", else "messages".
void put_prompt(nlohmann::ordered_json& object, const Conversation& prompt);

}  // namespace gradus
