#pragma once
// Text from a model, token by token, for many prompts at once.
//
// Every sequence has ids, and the model's cache holds the keys and values of the first of them. A step feeds each live
// sequence the ids that the cache lacks: one id where a token was just drawn, a piece of the prompt at the start,
// shared out so that a long prompt never keeps the others waiting. Whoever has nothing left to feed draws its next
// token. When a sequence ends its place goes to the next prompt that waits.
//
// Draws depend on (seed, stream, position) alone, so a prompt continues alike in any company, up to the rounding of
// matrix products of other heights.
#include <functional>
#include <memory>

#include "engine/generate/cached_step.h"
#include "engine/generate/sampler.h"

namespace gradus {

enum class Finish {
    length,       // max_tokens were generated
    context,      // the sequence fills the context
    end_of_text,  // the model ended the text
    stop,         // a stop id, or on_token said so
};
const char* name_of(Finish);

struct Prompt {
    std::vector<int32_t> ids;
    uint64_t stream =
        0;  // which random numbers are its own; prompts of one call that should differ have different ones
};

struct GenerateOptions {
    int max_tokens = 128;
    Sampling sampling;
    std::vector<int32_t> stop_ids;
    std::vector<int32_t> ends_of_text;  // empty: the id of the model's ModelConfig, if it has one
};

struct Generated {
    std::vector<int32_t> ids;  // without the prompt, and without the id that ended it
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

    // What follows each prompt, in the order of the prompts. Error, before anything is generated, for a prompt that is
    // empty, fills the context or has an id outside the vocabulary.
    std::vector<Generated> generate(const std::vector<Prompt>&, const GenerateOptions&, const OnToken& on_token = {});

    size_t bytes() const { return step_.bytes(); }  // on the device
    size_t host_bytes() const { return step_.host_bytes(); }

private:
    struct Live;
    void check(const std::vector<Prompt>&) const;
    void feed(std::vector<Live>&);

    LanguageModel& model_;
    Capacity capacity_;
    CachedStep step_;
};

}  // namespace gradus
