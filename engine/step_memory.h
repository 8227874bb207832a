#pragma once
// The values of a step in device memory: those of kernels/step_values.h, and a key for each dropout of a model and for the
// noise on its embeddings. Their
// addresses are the same in every step (Runtime::step), so every step makes identical calls.
#include "engine/arena.h"
#include "kernels/step_values.h"

namespace gradus {

// The dropouts of a layer. The embedding has another one.
enum DropoutSite { after_attention = 1, after_feed_forward = 2 };
constexpr int embedding_layer = -1, noise_layer = -2;

// Arguments of ops: addresses in device memory.
struct StepPointers {
    const StepValues* values = nullptr;
    const uint64_t* noise_key = nullptr;
    const uint64_t* dropout_keys = nullptr;  // the embedding's, then two for each layer

    const uint64_t* embedding_dropout_key() const { return dropout_keys; }
    const uint64_t* dropout_key(int layer, DropoutSite site) const { return dropout_keys + 2 * layer + site; }
};

class StepMemory {
public:
    StepMemory(const Ops&, int layers);

    StepPointers pointers() const;
    size_t bytes() const { return device_.bytes(); }  // on the device
    // Queues a copy to the device: later work of the stream reads these values. The key of each dropout, and of the noise, is a
    // function of the seed, the step, the layer and the site. The copy reads this object's host memory, so it must have finished
    // before the next call.
    void upload(const StepValues&, uint64_t dropout_seed, int64_t step, Stream);
    void upload(const StepValues& values, Stream stream) { upload(values, 0, 0, stream); }  // without dropout
    bool is_uploaded() const { return uploaded_; }  // false: all values are 0, the scale of the loss too

private:
    const Ops& ops_;
    int layers_;
    Arena device_, host_;
    Tensor on_device_, on_host_;  // words of 64 bits: the values, then the keys, first that of the noise
    bool uploaded_ = false;
};

}  // namespace gradus
