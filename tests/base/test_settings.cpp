// Settings of a made-up command: its own section, and two that pre-training has as well.
#include <catch2/catch.hpp>

#include "engine/base/error.h"
#include "engine/base/settings.h"
#include "engine/settings/loss.h"
#include "engine/settings/optimizer.h"

using namespace gradus;

namespace {

struct PolicySettings {
    static constexpr const char* section = "policy";

    int64_t epochs = 4;
    double clip = 0.2;
    std::optional<bool> reference;
    std::string advantage = "gae";

    template <class Visit>
    void each(Visit&& visit) {
        visit("epochs", epochs, between(1, 100), OnResume::fixed, "passes over each batch of answers", {"ppo_epochs"});
        visit("clip", clip, between(0, 1), OnResume::fixed, "largest change of a probability ratio", {"cliprange"});
        visit("reference", reference, Limits{}, OnResume::free, "keep the first policy to compare with");
        visit("advantage", advantage, one_of({{"gae", {"generalized"}}, {"returns"}}), OnResume::fixed, "of a token");
    }
};

struct Alignment {
    PolicySettings policy;
    OptimizerSettings optimizer;
    LossSettings loss;
    WrittenAt written_at;

    static constexpr const char* help_command = "gradus align --help-settings";

    template <class Visit>
    void each_section(Visit&& visit) {
        visit(policy), visit(optimizer), visit(loss);
    }
};

std::vector<DeclaredSetting> declared(Alignment& a) { return collect_settings(a); }

Alignment alignment_of(const std::string& toml) {
    Alignment a;
    apply_settings(a, parse_settings(toml, "align.toml"));
    return a;
}

Error error_of(const std::string& toml) {
    try {
        alignment_of(toml);
    } catch (const Error& e) { return e; }
    return Error("nothing was refused", "", "");
}

}  // namespace

TEST_CASE("A command that composes sections of its own and of others has all of their settings") {
    const std::vector<std::string> names = setting_names<Alignment>();
    REQUIRE(names.front() == "policy.epochs");
    REQUIRE(names[4] == "optimizer.kind");
    REQUIRE(names.back() == "loss.z_loss");
    const Alignment a = alignment_of("[policy]\nepochs = 2\nreference = true\n[optimizer]\nlr = 1e-5\n");
    REQUIRE(a.policy.epochs == 2);
    REQUIRE(a.policy.reference == true);
    REQUIRE(a.policy.clip == PolicySettings{}.clip);
    REQUIRE(a.optimizer.lr == 1e-5);
    REQUIRE(a.written_at.at("optimizer.lr") == "align.toml:5:1");
    REQUIRE_FALSE(a.written_at.contains("policy.clip"));
}

TEST_CASE("Each composition writes the recipe of its own sections, in their order, and reads it again") {
    const std::string text = recipe_text(alignment_of("policy.clip = 0.1\nloss.z_loss = 1e-4\n"));
    REQUIRE(text.starts_with("[policy]\nepochs = 4\nclip = 0.1\nadvantage = \"gae\"\n\n[optimizer]\nkind = "));
    REQUIRE(text.ends_with("\n[loss]\nlabel_smoothing = 0.0\nz_loss = 0.0001\n"));
    REQUIRE(recipe_text(alignment_of(text)) == text);
}

TEST_CASE("A composition suggests its own settings alone, and names its own help") {
    REQUIRE(setting_meant<Alignment>("ppo_epochs") == "policy.epochs");
    REQUIRE(setting_meant<Alignment>("learning_rate") == "optimizer.lr");
    REQUIRE(setting_meant<Alignment>("n_layer") == "");
    REQUIRE(error_of("colour = 1\n").fix == "gradus align --help-settings lists them all");
    REQUIRE(error_of("[policy]\nadvantage = 'generalized'\n").fix ==
            "did you mean 'gae'? it must be one of gae, returns");
    REQUIRE(error_of("[policy]\nepochs = 'two'\n").fix ==
            "write policy.epochs = 4, or another whole number between 1 and 100");
}

TEST_CASE("The help of a composition has every setting once, with default and limits") {
    const std::string help = settings_help<Alignment>();
    for (const std::string& name : setting_names<Alignment>()) {
        const size_t at = help.find("  " + name + " = ");
        INFO(name);
        REQUIRE(at != std::string::npos);
        REQUIRE(help.find("  " + name + " = ", at + 1) == std::string::npos);
    }
    REQUIRE(help.find("policy.reference = unset") != std::string::npos);
    REQUIRE(help.find("between 1 and 100; fixed once a run has begun\n      passes over each batch of answers") !=
            std::string::npos);
    REQUIRE(help.find("train.") == std::string::npos);
}
