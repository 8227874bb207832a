#pragma once
// Shared by the tests of gradus convert.
#include "tests/engine/checkpoint_testing.h"

namespace gradus::testing {

inline const fs::path goldens = fs::path(GRADUS_ROOT) / "tests/goldens/convert";

// A GPT-2 that nanoGPT and llm.c support.
inline ModelConfig plain_gpt2() {
    ModelConfig m = tiny_gpt2();
    m.F = 4 * m.C;
    m.end_of_text = -1;
    return m;
}

}  // namespace gradus::testing
