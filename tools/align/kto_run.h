#pragma once
// gradus dpo with dpo.loss = "kto": a policy from single answers with a label.
#include <string>

#include "align/losses/kto.h"
#include "tools/align/aligned_run.h"

namespace gradus {

void learn_from_labels(AlignedRun&);

// What to set where λ_D·n_D / (λ_U·n_U) lies outside [1, 4/3], in which KTO learns best (Ethayarajh et al. 2024), for a note; "":
// nothing. `desirable`, `undesirable`: numbers of answers.
std::string advice_on_weights(const KtoConfig&, int64_t desirable, int64_t undesirable);

}  // namespace gradus
