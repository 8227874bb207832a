// Losses and advantages against PyTorch's, in double precision: tools/generate/align_losses.py.
#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include "align/advantages/gae.h"
#include "align/advantages/group.h"
#include "align/advantages/normaliser.h"
#include "align/advantages/token_rewards.h"
#include "align/advantages/whitening.h"
#include "align/losses/kl.h"
#include "align/losses/kto.h"
#include "align/losses/policy.h"
#include "align/losses/preference.h"
#include "align/losses/ranking.h"
#include "align/losses/value.h"
#include "engine/base/file.h"
#include "tests/align/derivative.h"

using namespace gradus;
using namespace gradus::test;
using nlohmann::json;

namespace {

using Column = std::vector<double>;

const json& golden() {
    static const json read = json::parse(read_file(std::string(GRADUS_ROOT) + "/tests/goldens/align/losses.json"));
    return read;
}

struct GoldenTokens {
    const json& j = golden()["tokens"];
    std::vector<int64_t> lengths = j["lengths"];
    std::vector<uint8_t> learnt = j["learnt"];
    Column log_probs = j["log_probs"], old = j["old"], reference = j["reference"], advantages = j["advantages"];

    Column weights(const std::string& normaliser) const {
        Column w(learnt.size(), unread);
        row_weights(normaliser_named(normaliser), count_rows(learnt, lengths), learnt, lengths, j["longest"], w);
        return w;
    }
};

PreferenceKind preference_named(const std::string& name) {
    const std::pair<const char*, PreferenceKind> kinds[] = {
        {"dpo", PreferenceKind::dpo},     {"robust", PreferenceKind::robust}, {"ipo", PreferenceKind::ipo},
        {"hinge", PreferenceKind::hinge}, {"simpo", PreferenceKind::simpo},   {"orpo", PreferenceKind::orpo}};
    for (auto [known, kind] : kinds)
        if (name == known) return kind;
    FAIL("no preference loss is called " << name);
    return {};
}

}  // namespace

TEST_CASE("policy losses under every normaliser are PyTorch's") {
    const GoldenTokens t;
    REQUIRE(t.j["losses"].size() == 10);
    for (const json& c : t.j["losses"]) {
        const std::string kind = c["kind"];
        const PolicyClip clip{c.value("low", 0.0), c.value("high", 0.0), c.value("dual", 0.0)};
        const Column weights = t.weights(c["normaliser"]);
        const PolicyRows<double> rows{t.log_probs, t.old, t.advantages, t.learnt, weights};
        Column d(t.learnt.size(), 0);
        const PolicyLoss<double> sum = kind == "ppo"     ? ppo_loss<double>(rows, d, clip)
                                       : kind == "gspo"  ? gspo_loss<double>(rows, t.lengths, d, clip)
                                       : kind == "cispo" ? cispo_loss<double>(rows, d, c["cap"])
                                                         : reinforce_loss<double>(rows, d);
        INFO(kind << " " << c["normaliser"]);
        REQUIRE(is_near(sum.loss, c["loss"]));
        require_near(d, Column(c["gradient"]));
    }
}

TEST_CASE("divergences as loss terms are PyTorch's") {
    const GoldenTokens t;
    const Column weights = t.weights("dapo");
    for (const json& c : t.j["divergences"]) {
        const Kl kind = c["kind"] == "k1" ? Kl::k1 : c["kind"] == "k2" ? Kl::k2 : Kl::k3;
        Column d(t.learnt.size(), 0);
        const auto sum = kl_loss<double>(kind, c["beta"], t.log_probs, t.reference, t.learnt, weights, d);
        REQUIRE(is_near(sum.loss, c["loss"]));
        require_near(d, Column(c["gradient"]));
    }
}

TEST_CASE("rewards of tokens, advantages, returns and whitened advantages are PyTorch's") {
    const GoldenTokens t;
    const Column scores = t.j["scores"], values = t.j["old_values"];
    const size_t N = t.learnt.size();
    for (const json& c : t.j["estimated"]) {
        Column rewards(N), advantages(N), returns(N);
        token_rewards({t.old, t.reference, t.learnt, t.lengths, scores}, c["beta"], rewards);
        require_near(rewards, Column(c["rewards"]));
        generalised_advantages({rewards, values, t.learnt, t.lengths}, c["gamma"], c["lambda"], advantages, returns);
        require_near(advantages, Column(c["advantages"]));
        require_near(returns, Column(c["returns"]));
        Moments of_all;
        of_all.add(advantages, t.learnt);
        whiten(advantages, t.learnt, of_all);
        require_near(advantages, Column(c["whitened"]));
    }
}

TEST_CASE("value losses and the explained variance are PyTorch's") {
    const GoldenTokens t;
    const Column values = t.j["values"], old = t.j["old_values"], weights = t.weights("dapo");
    for (const json& c : t.j["value"]) {
        const Column returns = c["returns"];
        Column d(t.learnt.size(), 0);
        const auto sum = value_loss<double>({values, old, returns, t.learnt, weights}, d, c["clip"]);
        REQUIRE(is_near(sum.loss, c["loss"]));
        require_near(d, Column(c["gradient"]));
        REQUIRE(is_near(explained_variance(sum.returns, sum.errors), c["explained_variance"]));
    }
}

TEST_CASE("advantages within groups are PyTorch's") {
    const json& g = golden()["groups"];
    const Column scores = g["scores"];
    const std::vector<uint8_t> scored(scores.size(), 1);
    for (auto [name, kind] : {std::pair{"grpo", GroupAdvantage::grpo},
                              {"dr_grpo", GroupAdvantage::dr_grpo},
                              {"rloo", GroupAdvantage::rloo}}) {
        Column advantages(scores.size());
        group_advantages(kind, scores, scored, 4, advantages);
        require_near(advantages, Column(g[name]));
    }
}

TEST_CASE("preference losses and their gradients are PyTorch's") {
    const json& g = golden()["pairs"];
    REQUIRE(g["losses"].size() == 10);
    for (const json& c : g["losses"])
        for (size_t i = 0; i < g["chosen"].size(); ++i) {
            auto at = [&](const char* name) -> double { return g[name][i]; };
            const PreferenceConfig config{.kind = preference_named(c["kind"]),
                                          .beta = c.value("beta", 0.1),
                                          .smoothing = c.value("smoothing", 0.0),
                                          .margin = c.value("margin", 0.0),
                                          .odds = c.value("odds", 0.0),
                                          .nll = c.value("nll", 0.0)};
            const auto out =
                preference_loss<double>(config, {at("chosen"), at("rejected"), at("reference_chosen"),
                                                 at("reference_rejected"), at("chosen_length"), at("rejected_length")});
            INFO(c["kind"] << " pair " << i);
            REQUIRE(is_near(out.loss, c["loss"][i]));
            REQUIRE(is_near(out.d_chosen, c["d_chosen"][i]));
            REQUIRE(is_near(out.d_rejected, c["d_rejected"][i]));
        }
}

TEST_CASE("KTO and its reference point are PyTorch's") {
    const json& g = golden()["answers"];
    for (const json& c : g["kto"]) {
        double sum = 0;
        for (double m : c["mismatched"]) sum += m;
        const double z0 = kto_reference_point(sum, double(c["mismatched"].size()));
        for (size_t i = 0; i < g["log_probs"].size(); ++i) {
            const auto out = kto_loss<double>({c["beta"], c["desirable"], c["undesirable"]}, g["log_probs"][i],
                                              g["reference"][i], g["desirable"][i], z0);
            REQUIRE(is_near(out.loss, c["loss"][i]));
            REQUIRE(is_near(out.d_log_prob, c["d_log_prob"][i]));
        }
    }
}

TEST_CASE("losses of rankings are PyTorch's") {
    for (const json& c : golden()["rankings"]) {
        const Column scores = c["scores"];
        const std::vector<int> ranks = c["ranks"];
        auto compare = [&](const char* name, auto&& loss_into) {
            Column d(scores.size(), unread);
            const double loss = loss_into(d);
            INFO(name << " of " << c["ranks"]);
            REQUIRE(is_near(loss, c[name]["loss"]));
            require_near(d, Column(c[name]["gradient"]));
        };
        compare("kwise", [&](Column& d) { return kwise_loss<double>(scores, ranks, d); });
        compare("plackett_luce", [&](Column& d) { return plackett_luce_loss<double>(scores, ranks, d); });
        compare("best_of", [&](Column& d) { return best_of_loss<double>(scores, ranks, d); });
    }
}

TEST_CASE("pairwise losses with margins, centring and soft labels are PyTorch's") {
    for (const json& c : golden()["comparisons"]) {
        const auto out =
            pairwise_loss<double>(c["scores"][0], c["scores"][1], c["probability"], {c["margin"], c["centring"]});
        REQUIRE(is_near(out.loss, c["loss"]));
        REQUIRE(is_near(out.d_a, c["gradient"][0]));
        REQUIRE(is_near(out.d_b, c["gradient"][1]));
    }
}
