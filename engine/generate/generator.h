#pragma once
// Text from a model, token by token, for many prompts at once.
//
//   Generator g(model, {.sequences = 8});
//   g.add(prompt, options);                            at any time, also during generation
//   while (g.step())
//       for (const Drawn& d : g.poll()) …              d.request, d.id, d.log_prob, d.finish
//
// Continuous batching with chunked prefill: the cache has the keys and values of a prefix of each sequence. A step
// feeds each live sequence ids that are not yet in the cache: the token that was just drawn, or a piece of the prompt,
// with the rows shared so that a long prompt does not block the others. A sequence whose ids are all fed draws its next
// token. When a sequence ends, the next waiting prompt takes its slot.
//
// Random numbers depend only on (seed, stream, position), so a prompt's continuation does not depend on what else is
// generated, up to the rounding of matmuls with another number of rows. With several ranks of tp every rank makes the
// same calls and draws the same ids.
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
    end_of_text,  // the model drew an end-of-text id
    stop,         // a stop id, or ended by the caller
};
const char* name_of(Finish);

struct Prompt {
    std::vector<int32_t> ids;
    // Selects its random numbers; give prompts of one call different streams for different continuations.
    uint64_t stream = 0;
};

struct GenerateOptions {
    int max_tokens = 128;
    Sampling sampling;
    std::vector<int32_t> stop_ids;
    std::vector<int32_t> ends_of_text;  // empty: ModelConfig::end_of_text
};

struct Drawn {
    int request;
    int32_t id;
    double log_prob;               // engine/generate/token_sampler.h
    std::optional<Finish> finish;  // set for the last token of its sequence
    bool is_text() const {
        return finish != Finish::end_of_text && finish != Finish::stop;
    }  // else it is the id that ended the text
};

struct Generated {
    std::vector<int32_t> ids;       // without the prompt and the id that ended the text
    std::vector<double> log_probs;  // of each
    Finish finish = Finish::length;
};

// Called with each new id of prompt number `prompt`, in order; returning false ends the sequence (the id is kept).
using OnToken = std::function<bool(int prompt, int32_t id)>;

class Generator {
public:
    struct Capacity {
        int sequences = 1;  // generated at the same time; further prompts wait
        int context = 0;    // ids in a sequence, prompt included; 0: the model's context
        int rows = 128;     // tokens fed in one step; at least `sequences`
    };

    // Allocates the cache (2·L·G·D·context elements for each sequence). Error if there is not enough memory.
    Generator(LanguageModel&, const Capacity&);
    ~Generator();

    // Returns the index of the request, from 0. Error for options out of range and for a prompt that is empty, fills
    // the context or has an id outside the vocabulary.
    int add(const Prompt&, const GenerateOptions&);
    // One forward pass for all live sequences. Returns false, and does nothing, if no sequence is live or waiting.
    // Error if the model's logits are not finite.
    bool step();
    // The tokens drawn since the last call, in order.
    std::vector<Drawn> poll();
    // Ends a request early.
    void end(int request);

    // The continuations, in the order of the prompts; no other request may be active. Errors as in add(), before
    // anything is generated.
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
