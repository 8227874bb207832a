#pragma once
// What a model is asked when it criticises, revises or compares answers: patterns with placeholders, which a user can
// replace by a TOML file with these keys.
//
//   key        placeholders                              asks for
//   critique   {prompt} {answer} {principle}             a critique; {principle} is that of critiques
//   revision   {prompt} {answer} {critique} {principle}  a new answer; {principle} is that of revisions
//   judge      {prompt} {answer_a} {answer_b} {principle}  which of two answers is better
//   lead       none                                      how the judge's reply begins, up to the label
//   labels     none                                      what may follow, of the first and of the second answer
//
// All but {prompt} must be there. A prompt of one message stands for itself; a longer conversation is written as
// "User: …", "Assistant: …". Text that is filled in is never searched for placeholders.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "align/feedback/principles.h"
#include "align/template/message.h"

namespace gradus {

struct FeedbackWording {
    std::string critique =
        "Here is a question with an answer.\n\nQuestion:\n{prompt}\n\nAnswer:\n{answer}\n\n{principle}\nWrite the "
        "critique in a few sentences, and nothing else.";
    std::string revision =
        "Here is a question with an answer and a critique of that answer.\n\nQuestion:\n{prompt}\n\nAnswer:\n{answer}"
        "\n\nCritique:\n{critique}\n\n{principle}\nWrite the new answer, and nothing else.";
    std::string judge =
        "Here is a question with two answers.\n\nQuestion:\n{prompt}\n\n(A) {answer_a}\n\n(B) {answer_b}\n\nPrinciple: "
        "{principle}\n\nWhich answer follows the principle better, (A) or (B)? Reply with the letter alone.";
    std::string lead = "The better answer is (";
    std::vector<std::string> labels = {"A", "B"};

    bool operator==(const FeedbackWording&) const = default;

    // visit(key, member)
    template <class Wording, class Visit>
    static void each(Wording& w, Visit&& visit) {
        visit("critique", w.critique);
        visit("revision", w.revision);
        visit("judge", w.judge);
        visit("lead", w.lead);
        visit("labels", w.labels);
    }
};

// Keys that are missing keep their default. Error with the place of an unknown key, a value of the wrong type, or a
// pattern with an unknown placeholder or without one that it needs.
FeedbackWording wording_from_toml(const std::string& text, const std::string& file);

// The request to a model, as the message of a user.
std::string critique_request(const FeedbackWording&, const Conversation& prompt, const std::string& answer,
                             const Principle&);
std::string revision_request(const FeedbackWording&, const Conversation& prompt, const std::string& answer,
                             const std::string& critique, const Principle&);
// answers: those shown as the first and as the second one.
std::string judge_request(const FeedbackWording&, const Conversation& prompt, const std::string& answer_a,
                          const std::string& answer_b, const Principle&);

// The pattern with each {name} replaced by its value, in one pass.
using Placeholders = std::vector<std::pair<std::string_view, std::string_view>>;
std::string filled(std::string_view pattern, const Placeholders&);

}  // namespace gradus
