#pragma once
// The values of a step in memory of the device: those of kernels/step_values.h, and a key for each dropout of a model. Their
// addresses are the same in every step (Runtime::step), so the calls of a step are, too.
#include "engine/arena.h"
#include "kernels/step_values.h"

namespace gradus {

// Which branch of a layer a dropout belongs to. The embedding has one of its own.
enum DropoutSite { after_attention = 1, after_feed_forward = 2 };
constexpr int embedding_layer = -1;

// What ops are given: addresses in memory of the device.
struct StepPointers {
    const StepValues* values = nullptr;
    const uint64_t* dropout_keys = nullptr;  // of the embedding, then of both sites of each layer

    const uint64_t* embedding_dropout_key() const { return dropout_keys; }
    const uint64_t* dropout_key(int layer, DropoutSite site) const { return dropout_keys + 2 * layer + site; }
};

class StepMemory {
public:
    StepMemory(const Ops&, int layers);

    StepPointers pointers() const;
    size_t bytes() const { return device_.bytes(); }  // on the device
    // Queues a copy to the device: what the stream is given from now on reads these values. The key of each dropout is a function of
    // the seed, the step, the layer and the site. The copy reads host memory that belongs to this object, so the stream must
    // have made it before the next call.
    void upload(const StepValues&, uint64_t dropout_seed, int64_t step, Stream);
    void upload(const StepValues& values, Stream stream) { upload(values, 0, 0, stream); }  // without dropout
    bool is_uploaded() const { return uploaded_; }  // false: all values are 0, the scale of the loss too

private:
    const Ops& ops_;
    int layers_;
    Arena device_, host_;
    Tensor on_device_, on_host_;  // words of 64 bits: the values, then the keys
    bool uploaded_ = false;
};

}  // namespace gradus
