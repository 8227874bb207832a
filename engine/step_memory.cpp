#include "engine/step_memory.h"

#include <cstring>

#include "engine/base/philox.h"
#include "kernels/check.h"

namespace gradus {

namespace {

constexpr auto value_words = int64_t(sizeof(StepValues) / sizeof(uint64_t));
static_assert(sizeof(StepValues) % sizeof(uint64_t) == 0, "the keys follow the values");

}  // namespace

StepMemory::StepMemory(const Ops& ops, int layers)
    : ops_(ops),
      layers_(layers),
      device_(ops, "step values"),
      host_(ops, "step values on the host", ArenaMemory::host) {
    const Shape words = {value_words + 2 + 2 * int64_t(layers)};
    device_.declare("step values", on_device_, words, DType::f64);
    host_.declare("step values", on_host_, words, DType::f64);
    device_.allocate();
    host_.allocate();
}

StepPointers StepMemory::pointers() const {
    const auto* words = on_device_.as<uint64_t>();
    return {on_device_.as<StepValues>(), words + value_words, words + value_words + 1};
}

void StepMemory::upload(const StepValues& values, uint64_t dropout_seed, int64_t step, Stream stream) {
    check(values);
    std::memcpy(on_host_.data, &values, sizeof values);
    auto* key = on_host_.as<uint64_t>() + value_words;
    *key++ = key_of(dropout_seed, step, noise_layer);
    *key++ = key_of(dropout_seed, step, embedding_layer);
    for (int layer = 0; layer < layers_; ++layer)
        for (const DropoutSite site : {after_attention, after_feed_forward})
            *key++ = key_of(dropout_seed, step, layer, site);
    ops_.copy_to_device(on_device_.data, on_host_.data, on_host_.bytes(), stream);
    uploaded_ = true;
}

}  // namespace gradus
