// The losses of preferred answers: align/losses/preference.h and align/losses/kto.h.
#include <catch2/catch.hpp>

#include "align/losses/kto.h"
#include "align/losses/preference.h"
#include "tests/align/derivative.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr PreferenceKind preference_kinds[] = {PreferenceKind::dpo,   PreferenceKind::robust, PreferenceKind::ipo,
                                               PreferenceKind::hinge, PreferenceKind::simpo,  PreferenceKind::orpo};

PreferencePair<double> random_pair(Draws& draw) {
    PreferencePair<double> p;
    p.chosen_length = 1 + draw.index(9);
    p.rejected_length = 1 + draw.index(9);
    p.chosen = -p.chosen_length * draw.uniform(0.05, 3);
    p.rejected = -p.rejected_length * draw.uniform(0.05, 3);
    p.reference_chosen = p.chosen + draw.normal(3);
    p.reference_rejected = p.rejected + draw.normal(3);
    return p;
}

template <class Scalar>
PreferenceLoss<Scalar> loss_at(const PreferenceConfig& c, const PreferencePair<double>& p,
                               const std::vector<Scalar>& x) {
    return preference_loss<Scalar>(
        c, {x[0], x[1], p.reference_chosen, p.reference_rejected, p.chosen_length, p.rejected_length, p.probability});
}

PreferenceConfig awkward(PreferenceKind kind, Draws& draw) {
    return {.kind = kind,
            .beta = draw.uniform(0.05, 2),
            .smoothing = draw.uniform(0, 0.4),
            .margin = draw.uniform(0, 2),
            .odds = draw.uniform(0.05, 1),
            .nll = draw.index(2) ? draw.uniform(0, 1) : 0};
}

double log2_of_e() { return std::log(2.0); }

}  // namespace

TEST_CASE("every preference loss has the gradient of its complex step") {
    Draws draw(1);
    for (PreferenceKind kind : preference_kinds)
        for (int round = 0; round < 40; ++round) {
            const PreferenceConfig c = awkward(kind, draw);
            const PreferencePair<double> p = random_pair(draw);
            const auto out = preference_loss(c, p);
            INFO("kind " << int(kind) << " round " << round);
            const double d[] = {out.d_chosen, out.d_rejected};
            require_gradient([&](const auto& x) { return loss_at(c, p, x).loss; }, {p.chosen, p.rejected}, d);
        }
}

TEST_CASE("without smoothing every preference loss makes the chosen answer likelier and the rejected one less likely") {
    Draws draw(2);
    for (PreferenceKind kind : preference_kinds)
        for (int round = 0; round < 20; ++round) {
            const PreferencePair<double> p = random_pair(draw);
            const auto out = preference_loss({.kind = kind, .beta = 0.01}, p);
            REQUIRE(out.d_chosen < 0);
            REQUIRE(out.d_rejected > 0);
        }
}

TEST_CASE("at margins of zero the losses are known numbers, before the first update") {
    PreferencePair<double> p{.chosen = -6,
                             .rejected = -8,
                             .reference_chosen = -6,
                             .reference_rejected = -8,
                             .chosen_length = 3,
                             .rejected_length = 4};
    const auto dpo = preference_loss({.beta = 0.1}, p);
    REQUIRE(is_near(dpo.loss, log2_of_e()));
    REQUIRE(is_near(dpo.d_chosen, -0.05));
    REQUIRE(is_near(dpo.d_rejected, 0.05));
    REQUIRE(dpo.accuracy() == 0.5);
    REQUIRE(dpo.margin() == 0);
    const auto smoothed = preference_loss({.beta = 0.1, .smoothing = 0.2}, p);
    REQUIRE(is_near(smoothed.loss, log2_of_e()));
    REQUIRE(is_near(smoothed.d_chosen, -0.03));
    const auto robust = preference_loss({.kind = PreferenceKind::robust, .beta = 0.1, .smoothing = 0.2}, p);
    REQUIRE(is_near(robust.loss, log2_of_e()));
    REQUIRE(is_near(robust.d_chosen, -0.05 / 0.6));
    const auto ipo = preference_loss({.kind = PreferenceKind::ipo, .beta = 0.1}, p);
    REQUIRE(is_near(ipo.loss, 25));
    REQUIRE(is_near(ipo.d_chosen, -10.0 / 3));
    REQUIRE(is_near(ipo.d_rejected, 10.0 / 4));
    const auto hinge = preference_loss({.kind = PreferenceKind::hinge, .beta = 0.1}, p);
    REQUIRE((hinge.loss == 1 && hinge.d_chosen == -0.1 && hinge.d_rejected == 0.1));
    // Both answers have a mean of −2 nats per token.
    REQUIRE(is_near(preference_loss({.kind = PreferenceKind::simpo, .beta = 2}, p).loss, log2_of_e()));
    REQUIRE(is_near(preference_loss({.kind = PreferenceKind::orpo, .odds = 0.5}, p).loss, 2 + 0.5 * log2_of_e()));
}

TEST_CASE("preference losses of margins that are not zero, by hand") {
    // Δ_w = 2, Δ_l = −4: h = 3 with β = ½.
    const PreferencePair<double> p{.chosen = -4,
                                   .rejected = -10,
                                   .reference_chosen = -6,
                                   .reference_rejected = -6,
                                   .chosen_length = 2,
                                   .rejected_length = 4};
    auto minus_log_sigmoid = [](double h) { return std::log(1 + std::exp(-h)); };
    const auto dpo = preference_loss({.beta = 0.5}, p);
    REQUIRE(is_near(dpo.loss, minus_log_sigmoid(3)));
    REQUIRE((dpo.chosen_reward == 1 && dpo.rejected_reward == -2 && dpo.accuracy() == 1));
    REQUIRE(is_near(preference_loss({.beta = 0.5, .smoothing = 0.1}, p).loss,
                    0.9 * minus_log_sigmoid(3) + 0.1 * minus_log_sigmoid(-3)));
    REQUIRE(is_near(preference_loss({.kind = PreferenceKind::robust, .beta = 0.5, .smoothing = 0.1}, p).loss,
                    (0.9 * minus_log_sigmoid(3) - 0.1 * minus_log_sigmoid(-3)) / 0.8));
    const auto hinge = preference_loss({.kind = PreferenceKind::hinge, .beta = 0.5}, p);
    REQUIRE((hinge.loss == 0 && hinge.d_chosen == 0 && hinge.d_rejected == 0));
    // 2/2 + 4/4 − 1
    const auto ipo = preference_loss({.kind = PreferenceKind::ipo, .beta = 0.5}, p);
    REQUIRE(is_near(ipo.loss, 1));
    REQUIRE(is_near(ipo.margin(), 1));
    // Means −2 and −2.5.
    const auto simpo = preference_loss({.kind = PreferenceKind::simpo, .beta = 2, .margin = 0.6}, p);
    REQUIRE(is_near(simpo.loss, minus_log_sigmoid(0.4)));
    REQUIRE(is_near(simpo.margin(), 1));
    auto log_odds = [](double mean) { return std::log(std::exp(mean) / (1 - std::exp(mean))); };
    REQUIRE(is_near(preference_loss({.kind = PreferenceKind::orpo, .odds = 0.1}, p).loss,
                    2 + 0.1 * minus_log_sigmoid(log_odds(-2) - log_odds(-2.5))));
    REQUIRE(is_near(preference_loss({.beta = 0.5, .nll = 0.2}, p).loss, minus_log_sigmoid(3) + 0.4));
    REQUIRE(is_near(preference_loss({.beta = 0.5, .nll = 0.2}, p).d_chosen - dpo.d_chosen, -0.1));
}

TEST_CASE("every preference loss of a soft label has the gradient of its complex step") {
    Draws draw(5);
    for (PreferenceKind kind : preference_kinds)
        for (int round = 0; round < 40; ++round) {
            const PreferenceConfig c = awkward(kind, draw);
            PreferencePair<double> p = random_pair(draw);
            p.probability = draw.uniform(0.5, 1);
            const auto out = preference_loss(c, p);
            INFO("kind " << int(kind) << " round " << round);
            const double d[] = {out.d_chosen, out.d_rejected};
            require_gradient([&](const auto& x) { return loss_at(c, p, x).loss; }, {p.chosen, p.rejected}, d);
        }
}

TEST_CASE(
    "the loss of a soft label is the mean over both labels, and does not depend on which answer is called chosen") {
    Draws draw(6);
    for (PreferenceKind kind : preference_kinds)
        for (int round = 0; round < 10; ++round) {
            const PreferenceConfig c = awkward(kind, draw);
            const PreferencePair<double> hard = random_pair(draw);
            PreferencePair<double> soft = hard, exchanged = hard.exchanged();
            soft.probability = 0.8;
            exchanged.probability = 0.2;
            const auto out = preference_loss(c, soft), other = preference_loss(c, exchanged);
            REQUIRE(is_near(out.loss,
                            0.8 * preference_loss(c, hard).loss + 0.2 * preference_loss(c, hard.exchanged()).loss));
            REQUIRE(is_near(out.loss, other.loss));
            REQUIRE(is_near(out.d_chosen, other.d_rejected));
            REQUIRE(out.chosen_reward == preference_loss(c, hard).chosen_reward);
        }
}

TEST_CASE("DPO of a soft label p by hand: smoothing by 1 - p, at rest where the policy's odds are p to 1 - p") {
    PreferencePair<double> p{.chosen = -4,
                             .rejected = -10,
                             .reference_chosen = -6,
                             .reference_rejected = -6,
                             .chosen_length = 2,
                             .rejected_length = 4,
                             .probability = 0.7};
    const auto soft = preference_loss({.beta = 0.5}, p);
    REQUIRE(is_near(soft.loss, 0.7 * std::log(1 + std::exp(-3.0)) + 0.3 * std::log(1 + std::exp(3.0))));
    p.probability = 1;
    REQUIRE(is_near(soft.loss, preference_loss({.beta = 0.5, .smoothing = 0.3}, p).loss));
    PreferencePair<double> rest{.chosen = 2 * std::log(0.7 / 0.3), .rejected = 0, .probability = 0.7};
    REQUIRE(std::abs(preference_loss({.beta = 0.5}, rest).d_chosen) < 1e-15);
    rest.probability = 0.5;
    REQUIRE(preference_loss({.beta = 0.5}, rest).d_chosen > 0);
}

TEST_CASE("the robust loss is on average the loss of labels without noise") {
    Draws draw(3);
    for (int round = 0; round < 10; ++round) {
        const PreferencePair<double> p = random_pair(draw);
        PreferencePair<double> flipped = p;
        std::swap(flipped.chosen, flipped.rejected);
        std::swap(flipped.reference_chosen, flipped.reference_rejected);
        const double e = draw.uniform(0, 0.45);
        const PreferenceConfig c{.kind = PreferenceKind::robust, .beta = 0.3, .smoothing = e};
        const double noisy = (1 - e) * preference_loss(c, p).loss + e * preference_loss(c, flipped).loss;
        REQUIRE(is_near(noisy, preference_loss({.beta = 0.3}, p).loss));
    }
}

TEST_CASE("margins beyond the range of exp give finite losses and the gradients of their limits") {
    for (double far : {-5000.0, 5000.0}) {
        const PreferencePair<double> p{.chosen = far, .rejected = 0};
        const auto dpo = preference_loss({.beta = 1}, p);
        REQUIRE(dpo.loss == (far < 0 ? 5000 : 0));
        REQUIRE(dpo.d_chosen == (far < 0 ? -1 : 0));
    }
    for (double mean : {-1e-12, 0.0, -1e-5, -800.0}) {
        const auto orpo =
            preference_loss({.kind = PreferenceKind::orpo}, PreferencePair<double>{.chosen = mean, .rejected = -3});
        REQUIRE((std::isfinite(orpo.loss) && std::isfinite(orpo.d_chosen) && std::isfinite(orpo.d_rejected)));
        REQUIRE(orpo.d_chosen < 0);
    }
}

TEST_CASE("KTO has the gradient of its complex step, and pushes answers where they belong") {
    Draws draw(4);
    for (int round = 0; round < 40; ++round) {
        const KtoConfig c{
            .beta = draw.uniform(0.05, 1), .desirable = draw.uniform(0.5, 2), .undesirable = draw.uniform(0.5, 2)};
        const double x = -draw.uniform(0, 20), reference = x + draw.normal(3), z0 = draw.uniform(0, 2);
        const bool desirable = draw.index(2);
        const auto out = kto_loss(c, x, reference, desirable, z0);
        require_gradient([&](const auto& v) { return kto_loss(c, v[0], reference, desirable, z0).loss; }, {x},
                         std::span(&out.d_log_prob, 1));
        REQUIRE((desirable ? out.d_log_prob < 0 : out.d_log_prob > 0));
        REQUIRE(is_near(out.reward, c.beta * (x - reference)));
    }
}

TEST_CASE("KTO by hand: at the reference point every answer has half of its weight, and beyond it the good ones less") {
    const KtoConfig c{.beta = 0.5, .desirable = 3, .undesirable = 2};
    REQUIRE(is_near(kto_loss(c, -4.0, -5.0, true, 1).loss, 1.5));
    REQUIRE(is_near(kto_loss(c, -4.0, -5.0, false, 1).loss, 1));
    REQUIRE(is_near(kto_loss(c, -4.0, -5.0, true, 1).d_log_prob, -3 * 0.5 * 0.25));
    // Δ − z0 = 2: u = 1.
    REQUIRE(is_near(kto_loss(c, -2.0, -5.0, true, 1).loss, 3 / (1 + std::exp(1.0))));
    REQUIRE(is_near(kto_loss(c, -2.0, -5.0, false, 1).loss, 2 / (1 + std::exp(-1.0))));
}

TEST_CASE("the reference point of KTO is the mean over all ranks, and never below 0") {
    REQUIRE(kto_reference_point(3 + 5, 4) == 2);
    REQUIRE(kto_reference_point(-3, 4) == 0);
    REQUIRE(kto_reference_point(0, 0) == 0);
}
