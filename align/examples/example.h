#pragma once
// What a line of a data set is, whatever format it came in (formats.h), and what it can stand for.
//
//   from \ to       demonstration   preference   ranking   unpaired   prompt
//   demonstration        =                                              ✓
//   preference        chosen            =         1, 2      ✓, ✗        ✓
//   ranking            best         all pairs      =       ✓, ✗ of     ✓
//                                                           each pair
//   unpaired         if good                                  =         ✓
//   prompt                                                              =
//   text
//
// The answer of a demonstration is the reference of its prompt.
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "align/template/message.h"

namespace gradus {

struct Demonstration {
    Conversation conversation;  // ends with an answer
    bool operator==(const Demonstration&) const = default;
};

struct Preference {
    Conversation prompt;  // ends with a question, as in all of the following
    std::string chosen, rejected;
    double margin = 0;       // by how much the chosen answer is better, if the data set says so
    double probability = 1;  // that the chosen answer is better, 0.5 to 1: below 1 a soft label
    bool operator==(const Preference&) const = default;
};

struct Ranking {
    Conversation prompt;
    std::vector<std::string> answers;
    std::vector<int> ranks;  // one per answer: 1 is best, equal numbers are ties
    std::string rater, time;
    double seconds = 0;
    std::vector<int> order;           // in which the answers were shown; empty: unknown
    bool simulated = false;           // by a declared program instead of a person
    std::vector<std::string> models;  // who wrote each answer; empty: unknown
    double probability = 1;           // of two answers: that the one with the better rank is better
    bool operator==(const Ranking&) const = default;
};

struct Unpaired {
    Conversation prompt;
    std::string answer;
    bool good = false;
    bool operator==(const Unpaired&) const = default;
};

struct Question {
    Conversation prompt;
    std::string reference;  // the right answer, for rewards that compare; empty: none
    bool operator==(const Question&) const = default;
};

struct PlainText {
    std::string text;
    bool operator==(const PlainText&) const = default;
};

using Example = std::variant<Demonstration, Preference, Ranking, Unpaired, Question, PlainText>;

// In the order of the variant: Kind(example.index()).
enum class Kind { demonstration, preference, ranking, unpaired, prompt, text };
std::string name_of(Kind kind);  // "demonstrations", "preference pairs", …

template <class T>
inline constexpr Kind kind_for = Kind::text;
template <>
inline constexpr Kind kind_for<Demonstration> = Kind::demonstration;
template <>
inline constexpr Kind kind_for<Preference> = Kind::preference;
template <>
inline constexpr Kind kind_for<Ranking> = Kind::ranking;
template <>
inline constexpr Kind kind_for<Unpaired> = Kind::unpaired;
template <>
inline constexpr Kind kind_for<Question> = Kind::prompt;

// Whether examples of one kind can stand for another.
bool can_be(Kind kind, Kind wanted);

// The example as another kind: none (a ranking whose answers all tie has no pairs), one or several.
std::vector<Example> converted(const Example& example, Kind wanted);

// Index of the first answer with the best rank.
size_t best_answer(const Ranking& ranking);

}  // namespace gradus
