#pragma once
// Supervised fine-tuning on demonstrations.
#include <string>

#include "engine/settings/examples.h"

namespace gradus {

struct SftSettings : ExampleSettings {
    static constexpr const char* section = "sft";

    std::string learn = "every_answer";
    double pretrain_share = 0, neftune_alpha = 0;

    template <class Visit>
    void each(Visit&& visit) {
        ExampleSettings::each(visit);
        using enum OnResume;
        // clang-format off
        visit("learn", learn, one_of({{"every_answer", {"all"}}, {"last_answer", {"last"}}}), fixed,
              "which of the assistant's messages in a conversation are trained");
        visit("pretrain_share", pretrain_share, between(0, 0.9), fixed,
              "share of the sequences that are pre-training text of data.dir, against forgetting",
              {"ptx_share", "pretraining_mix"});
        visit("neftune_alpha", neftune_alpha, between(0, 1e6), fixed,
              "noise on the embeddings in training: uniform, up to this / √(tokens of the conversation · model.width); 5 is "
              "common, 0: none",
              {"neftune_noise_alpha", "noise_alpha"});
        // clang-format on
    }
};

}  // namespace gradus
