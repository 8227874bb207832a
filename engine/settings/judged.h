#pragma once
// The stages that learn from judged answers: a reward model, and DPO.
#include <string>

#include "engine/settings/examples.h"

namespace gradus {

struct RewardSettings : ExampleSettings {
    static constexpr const char* section = "reward";

    std::string loss = "pairs";
    double centring = 0;

    template <class Visit>
    void each(Visit&& visit) {
        ExampleSettings::each(visit);
        using enum OnResume;
        // clang-format off
        visit("loss", loss,
              one_of({{"pairs", {"pairwise", "kwise", "bradley_terry"}},
                      {"plackett_luce", {"listwise", "listmle"}},
                      {"best", {"best_of_k", "best_of"}}}), fixed,
              "of the answers to a prompt: all pairs, the whole order, or the best one against the others");
        visit("centring", centring, between(0, 1), fixed,
              "weight of the squared sum of two scores, which keeps scores near zero",
              {"center_rewards_coefficient"});
        // clang-format on
    }
};

struct DpoSettings : ExampleSettings {
    static constexpr const char* section = "dpo";

    std::string loss = "dpo";
    double beta = 0.1, label_smoothing = 0, margin = 0, odds = 0.1, nll = 0;
    double desirable_weight = 1, undesirable_weight = 1;

    template <class Visit>
    void each(Visit&& visit) {
        ExampleSettings::each(visit);
        using enum OnResume;
        // clang-format off
        visit("loss", loss,
              one_of({{"dpo", {"sigmoid"}}, {"robust"}, {"ipo"}, {"hinge", {"slic"}}, {"simpo"}, {"orpo"}, {"kto"}}), fixed,
              "of a preferred answer against a rejected one (align/losses/preference.h); kto: of single answers with a label "
              "(align/losses/kto.h)",
              {"loss_type"});
        visit("beta", beta, between(1e-6, 1e3), fixed,
              "how strongly the policy is held to the reference: larger is closer");
        visit("label_smoothing", label_smoothing, between(0, 0.49), fixed,
              "share of the preferences that are taken to be wrong (cDPO)");
        visit("margin", margin, between(0, 100), fixed,
              "simpo: by how much the preferred answer must lead",
              {"simpo_gamma", "gamma"});
        visit("odds", odds, between(0, 100), fixed,
              "orpo: weight of the odds ratio");
        visit("nll", nll, between(0, 100), fixed,
              "weight of the preferred answer's own loss, which keeps it likely",
              {"rpo_alpha", "sft_weight"});
        visit("desirable_weight", desirable_weight, between(0, 1e6), fixed,
              "kto: weight of the loss of desirable answers",
              {"lambda_d", "desirable"});
        visit("undesirable_weight", undesirable_weight, between(0, 1e6), fixed,
              "kto: weight of the loss of undesirable answers",
              {"lambda_u", "undesirable"});
        // clang-format on
    }
};

}  // namespace gradus
