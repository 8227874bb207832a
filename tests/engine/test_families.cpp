// Properties of every registered family of models.
#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include <set>

#include "engine/base/error.h"
#include "engine/config.h"
#include "engine/language_model.h"
#include "engine/models/family.h"

using namespace gradus;

namespace {

DeclaredSetting setting(Config& config, const std::string& key) {
    for (const DeclaredSetting& s : declared(config))
        if (s.key == key) return s;
    FAIL("no setting " << key);
    return {};
}

}  // namespace

TEST_CASE("Every family is a choice of model.family, with its summary and its named shapes in the help") {
    Config config;
    const DeclaredSetting family = setting(config, "model.family"), name = setting(config, "model.name");
    REQUIRE(family.limits.choices.size() == families().size());
    for (size_t i = 0; i < families().size(); ++i) {
        const Family& f = *families()[i];
        INFO(f.name);
        REQUIRE(family.limits.choices[i].name == f.name);
        REQUIRE(family.help.find(std::string(f.name) + ": " + f.summary) != std::string::npos);
        REQUIRE(&family_named(f.name) == &f);
        for (const char* other : f.other_names) REQUIRE(choice_meant(other, family.limits.choices) == f.name);
        for (const NamedShape& shape : f.shapes) REQUIRE(name.help.find(shape.name) != std::string::npos);
    }
}

TEST_CASE("Every named shape belongs to its family, is valid, and is described exactly by its config.json") {
    for (const Family* f : families())
        for (const NamedShape& shape : f->shapes) {
            INFO(shape.name);
            REQUIRE(named_model(shape.name) == shape.config);
            REQUIRE(shape.config.family == f->name);
            REQUIRE_NOTHROW(validate(shape.config, shape.name));
            REQUIRE_NOTHROW(require_describable(shape.config));
            const nlohmann::json written = f->write_config(shape.config, "float32");
            REQUIRE(written["model_type"] == f->name);
            REQUIRE(&family_of(written, "config.json") == f);
            for (const char* other : shape.other_names) {
                std::string fix;
                try {
                    named_model(other);
                } catch (const Error& e) { fix = e.fix; }
                REQUIRE(fix == "did you mean '" + std::string(shape.name) + "'?");
            }
        }
}

TEST_CASE("The activations of a family include its default, and config.json can describe each of them") {
    for (const Family* f : families()) {
        INFO(f->name);
        REQUIRE(f->activations.front() == f->defaults.activation);
        for (const Activation a : f->activations) {
            ModelConfig m = f->shapes.front().config;
            m.activation = a;
            INFO(name_of(a));
            REQUIRE_NOTHROW(require_describable(m));
        }
    }
}

TEST_CASE("Differences of two models name every field that affects the results") {
    const ModelConfig m = named_model("llama-1b");
    std::vector<std::string> names;
    m.each([&](const char* name, const auto&) { names.push_back(name); });
    REQUIRE(std::set<std::string>(names.begin(), names.end()).size() == names.size());
    ModelConfig other = m;
    other.rope.theta = 1;
    other.norm.eps = 0.5;
    other.gated = false;
    REQUIRE(differences(other, m) == std::vector<std::string>{"norm eps 0.5 instead of 1e-05",
                                                              "rope theta 1.0 instead of 500000.0",
                                                              "gated feed-forward no instead of yes"});
    other = m;
    other.init_std = 1;
    REQUIRE(differences(other, m).empty());
    REQUIRE_FALSE(other == m);
}
