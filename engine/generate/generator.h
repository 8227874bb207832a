#pragma once
// Text from a model, token by token, for many prompts at once.
//
//   Generator g(model, {.sequences = 8});
//   g.add(prompt, options);                            any time, also while others are being generated
//   while (g.step())
//       for (const Drawn& d : g.poll()) …              d.request, d.id, d.log_prob, d.finish
//
// Every sequence has ids, and the generator's cache holds the keys and values of the first of them. A step feeds each live
// sequence the ids that the cache lacks: one id where a token was just drawn, a piece of the prompt at the start,
// shared out so that a long prompt never keeps the others waiting. A sequence with nothing left to feed draws its next
// token. When a sequence ends, the next waiting prompt takes its place.
//
// Draws depend on (seed, stream, position) alone, so a prompt is continued in the same way whatever else is generated, up to the
// rounding of matmuls of another height. With several ranks of tp every rank makes the same calls and draws the same ids.
#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "engine/generate/cached_step.h"
#include "engine/generate/token_sampler.h"

namespace gradus {

enum class Finish {
    length,       // max_tokens were generated
    context,      // the sequence fills the context
    end_of_text,  // the model ended the text
    stop,         // a stop id, or the caller said so
};
const char* name_of(Finish);

struct Prompt {
    std::vector<int32_t> ids;
    // Which random numbers are its own; prompts of one call that should differ have different ones.
    uint64_t stream = 0;
};

struct GenerateOptions {
    int max_tokens = 128;
    Sampling sampling;
    std::vector<int32_t> stop_ids;
    std::vector<int32_t> ends_of_text;  // empty: the id of the model's ModelConfig, if it has one
};

struct Drawn {
    int request;
    int32_t id;
    double log_prob;               // engine/generate/token_sampler.h
    std::optional<Finish> finish;  // of the last one of its sequence
    bool is_text() const { return finish != Finish::end_of_text && finish != Finish::stop; }  // or what ended the text
};

struct Generated {
    std::vector<int32_t> ids;       // without the prompt, and without the id that ended it
    std::vector<double> log_probs;  // of each
    Finish finish = Finish::length;
};

// Sees each new id of the prompt with that number, in order; false ends the sequence (the id stays in it).
using OnToken = std::function<bool(int prompt, int32_t id)>;

class Generator {
public:
    struct Capacity {
        int sequences = 1;  // generated at once; more prompts wait for their turn
        int context = 0;    // ids in a sequence, prompt included; 0: the model's context
        int rows = 128;     // fed in one step, at least as many as sequences
    };

    // Sets the cache aside (2·L·G·D·context elements for each sequence). Error when memory is short.
    Generator(LanguageModel&, const Capacity&);
    ~Generator();

    // The number of the request, from 0. Error for options out of their limits and for a prompt that is empty, fills the context or
    // has an id outside the vocabulary.
    int add(const Prompt&, const GenerateOptions&);
    // One pass through the model for all live sequences. False, and nothing is done, where there are none and nothing waits. Error where the
    // model's logits are not finite.
    bool step();
    // What was drawn since the last call, in order.
    std::vector<Drawn> poll();
    // Ends a request from outside, with what it has.
    void end(int request);

    // What follows each prompt, in the order of the prompts, with no other request under way. Error, before anything is generated, as
    // add().
    std::vector<Generated> generate(const std::vector<Prompt>&, const GenerateOptions&, const OnToken& on_token = {});

    size_t bytes() const { return step_.bytes() + sampler_.bytes(); }  // on the device
    size_t host_bytes() const { return step_.host_bytes() + sampler_.host_bytes(); }

private:
    struct Sequence;
    void check(const Prompt&, const GenerateOptions&, const std::string& name) const;
    void admit();
    void feed();
    void draw();
    std::optional<Finish> finish_of(const Sequence&, int32_t id) const;

    LanguageModel& model_;
    Capacity capacity_;
    CachedStep step_;
    TokenSampler sampler_;
    int requests_ = 0;
    std::deque<std::unique_ptr<Sequence>> waiting_;
    std::vector<Sequence> live_;
    std::vector<int> free_places_;
    std::vector<Drawn> drawn_;
};

}  // namespace gradus
