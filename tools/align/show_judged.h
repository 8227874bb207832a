#pragma once
// Judged answers as the model sees them, for gradus dpo --check-data.
#include <cstdint>

#include "engine/config.h"

namespace gradus {

// Prints the first `count` texts to train on, two of each pair, each with what its answer is: chosen or rejected, or of kto
// desirable or undesirable. json: a line per text as that of demonstrations (align/samples/dump.h), with this under "answer".
void show_judged(Config, int64_t count, bool json);

}  // namespace gradus
