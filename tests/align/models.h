#pragma once
// Tiny models and texts for the tests of align/.
#include "align/batches/sequence.h"
#include "engine/base/philox.h"
#include "tests/engine/models.h"

namespace gradus::test {

// Texts of `V` ids: a prompt that is not learnt, then an answer that is; lengths differ.
inline Sequences random_sequences(int count, int V, int longest, uint64_t seed = 1) {
    Sequences all;
    for (int s = 0; s < count; ++s) {
        const Philox random{key_of(seed, uint64_t(s))};
        const int length = 2 + int(random.uniform(0) * double(longest - 1));
        const int prompt = 1 + int(random.uniform(1) * double(length - 1));
        Sequence q;
        for (int t = 0; t < length; ++t) {
            q.ids.push_back(int32_t(random.uniform(uint64_t(2 + t)) * V));
            q.learnt.push_back(t >= prompt);
        }
        all.add(q);
    }
    return all;
}

}  // namespace gradus::test
