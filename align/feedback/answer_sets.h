#pragma once
// Several answers to each prompt, to be compared by a judge, and how people ranked them where the file says so.
//
// A line is any of
//   {"prompt" or "messages", "answers": [TEXT, …]}     with or without "ranks"
//   a preference pair or a ranking in another format of align/examples/formats.h
//
// Equal answers to a prompt count once. A prompt with fewer than two answers, and a prompt that occurs again with the same
// answers, is skipped and counted.
#include <map>
#include <string>
#include <vector>

#include "align/collect/candidates.h"
#include "engine/base/file.h"

namespace gradus {

struct AnswerSet {
    Conversation prompt;
    std::vector<std::string> answers;  // distinct
    std::vector<int> ranks;            // one per answer, 1 is best; empty: not ranked
    bool operator==(const AnswerSet&) const = default;
};

// Two answers of a set: first < second.
struct AnswerPair {
    size_t set = 0, first = 0, second = 0;
};

struct AnswerSets {
    std::vector<AnswerSet> all;
    std::map<std::string, int64_t> skipped;  // reason → prompts
    std::string skipped_text() const;        // "skipped: 2 prompts with fewer than two different answers"; "": none

    std::vector<AnswerPair> pairs() const;  // all pairs of each set, in order
};

// Errors: file and line of a record that is none of the above; a file from which there is nothing to compare.
AnswerSets read_answer_sets(const fs::path& path);
AnswerSets answer_sets_of(const CandidateList&);

}  // namespace gradus
