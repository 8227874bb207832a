#pragma once
// Demonstrations as ids for supervised fine-tuning: encoded, shortened to the context, checked.
//
// A conversation of ids c_0 … c_n is n inputs c_0 … c_{n-1} with the targets c_1 … c_n, of which those that are learnt
// count. What follows the last learnt id is cut off. If the inputs are more than the context, the conversation is
// shortened from the left: first the oldest rounds go (a user message and its answer), then the beginning of the last
// question, of which at least a character stays. So do the beginning of the text, the system message, the template's
// headers and the whole last answer. If that still does not fit, or no target is left, the example is dropped and
// counted: an answer without its end would teach not to end.
#include <map>
#include <span>
#include <string>
#include <vector>

#include "align/examples/reader.h"
#include "align/template/chat_encoder.h"

namespace gradus {

// Samples of one file. The ids of sample i are [start[i], start[i + 1]) of `ids` and `learnt`.
struct Samples {
    std::vector<int32_t> ids;
    std::vector<uint8_t> learnt;
    std::vector<int64_t> start = {0};
    std::vector<int32_t> example;  // of the file: where sample i came from
    double weight = 1;             // copies of each sample in an epoch, on average

    int64_t shortened = 0;
    std::map<std::string, int64_t> dropped;  // reason → examples

    int64_t size() const { return int64_t(start.size()) - 1; }
    int64_t inputs(int64_t i) const { return start[size_t(i) + 1] - start[size_t(i)] - 1; }
    void add(const EncodedChat& encoded, int32_t from_example);
};

struct SampleOptions {
    int context = 1024;
    Learn learn = Learn::every_answer;
};

// The conversation without what does not fit into `context` inputs, encoded; `ids` is empty if it cannot fit. Works for
// every conversation that ends with an answer.
struct Fitted {
    EncodedChat encoded;
    bool shortened = false;
};
Fitted fitted(const Conversation& conversation, const ChatEncoder& chat, const SampleOptions& options);

// The same for a prompt of at most `longest` ids. Empty: the question cannot be shortened enough.
std::vector<int32_t> fitted_prompt(const Conversation& prompt, const ChatEncoder& chat, int longest);

// Several answers to one prompt, which is shortened until the longest of them fits into `longest` ids: so all answers
// are compared after the same prompt. Learnt are the answers. Empty: they cannot fit.
std::vector<EncodedChat> fitted_answers(const Conversation& prompt, std::span<const std::string> answers,
                                        const ChatEncoder& chat, int longest);

// The file must hold demonstrations. Error if every example is dropped.
Samples samples_of(const ExampleFile& file, const ChatEncoder& chat, const SampleOptions& options, double weight = 1);

// "1,000 samples, 12 shortened; dropped 3: longer than the context"
std::string summary_of(const Samples& samples);

}  // namespace gradus
