// Resuming: which settings must be the same, and the errors for differences.
#include <catch2/catch.hpp>

#include "engine/resolve/same_run.h"

using namespace gradus;

namespace {

const DataFacts data = {.vocab = 65, .end_of_text = -1, .identity = "0123456789abcdef"};

Config config_of(const std::string& toml, const std::vector<std::string>& assignments = {}) {
    Config config;
    apply_settings(config, parse_settings(toml, "r.toml"));
    for (const std::string& a : assignments) apply_settings(config, {parse_assignment(a)});
    return config;
}

const std::string small =
    "[run]\ndir = 'runs/x'\n[data]\ndir = 'd'\n[model]\nlayers = 2\nwidth = 32\nheads = 4\n[train]\ncontext = 16\n";

Resolved resolved(const std::vector<std::string>& assignments, const std::string& toml = small,
                  const std::optional<ModelConfig>& base = {}) {
    return resolve(config_of(toml, assignments), data, base);
}

template <class Body>
Error error_of(Body&& body) {
    try {
        body();
    } catch (const Error& e) { return e; }
    return Error("nothing was refused", "", "");
}

}  // namespace

TEST_CASE("A resumed run may change how it runs but not what it computes") {
    const Resolved begun = resolved({});
    for (const char* free : {"train.threads=3", "train.micro_batch=2", "checkpoint.every=5", "validation.every=7",
                             "run.dir=elsewhere", "train.recompute=true", "sample.tokens=9"}) {
        INFO(free);
        REQUIRE_NOTHROW(require_same_run(begun.identity, resolved({free}), 500));
    }
    struct Case {
        const char* set;
        const char* key;
        const char* then;
    };
    for (const Case& c : {Case{"optimizer.lr=1e-3", "optimizer.lr", "0.0003"},
                          {"train.batch=16", "train.batch", "8"},
                          {"model.layers=3", "model.layers", "2"},
                          {"train.steps=2000", "train.steps", "1000"},
                          {"train.seed=2", "train.seed", "1"},
                          {"data.packing=plain", "data.packing", "\"masked\""}}) {
        const Error e = error_of([&] { require_same_run(begun.identity, resolved({c.set}), 500); });
        INFO(e.text());
        REQUIRE(std::string(e.what()).find("different settings: " + std::string(c.key) + " " + c.then + " → ") !=
                std::string::npos);
        REQUIRE(e.fix.find("--set " + std::string(c.key) + "=") == 0);
    }
    DataFacts other = data;
    other.identity = "another";
    const Error e = error_of([&] { require_same_run(begun.identity, resolve(config_of(small), other, {}), 500); });
    REQUIRE(e.fix.find("data.dir") != std::string::npos);
}

TEST_CASE("A run whose data were identified by fewer bytes resumes with the same data, and with no other") {
    DataFacts now = data;
    now.identity = "of every byte";
    now.former = data.identity;
    const std::string begun = resolved({}).identity, renewed = with_all_bytes(begun, now);
    const Resolved same = resolve(config_of(small), now, {});
    REQUIRE(renewed == same.identity);
    REQUIRE_NOTHROW(require_same_settings(renewed, config_of(small), now));
    REQUIRE_NOTHROW(require_same_run(renewed, same, 500));
    REQUIRE(with_all_bytes(renewed, now) == renewed);
    now.former = "other ends";
    REQUIRE(with_all_bytes(begun, now) == begun);
    REQUIRE_THROWS_AS(require_same_run(begun, same, 500), Error);
    now.former = "";
    REQUIRE(with_all_bytes("data = \n", now) == "data = \n");
}

TEST_CASE("A run with a constant learning rate can be extended") {
    const std::vector<std::string> flat = {"optimizer.schedule=constant"},
                                   longer = {"optimizer.schedule=constant", "train.steps=5000"};
    REQUIRE_NOTHROW(require_same_run(resolved(flat).identity, resolved(longer), 1000));
}

TEST_CASE("An extended run keeps its warm-up") {
    const std::vector<std::string> begun = {"optimizer.schedule=constant", "optimizer.warmup=0.1"};
    auto longer = [&](const std::string& warmup) {
        return resolved({"optimizer.schedule=constant", "train.steps=5000", "optimizer.warmup=" + warmup});
    };
    const Error e = error_of([&] { require_same_run(resolved(begun).identity, longer("0.1"), 1000); });
    INFO(e.text());
    REQUIRE(std::string(e.what()).find("different settings: optimizer.warmup 100 → 500 (0.1 of train.steps = 5000)") !=
            std::string::npos);
    REQUIRE(e.fix.find("--set optimizer.warmup=100") == 0);
    REQUIRE_NOTHROW(require_same_run(resolved(begun).identity, longer("100"), 1000));
}

TEST_CASE("A run with the schedule wsd can be extended until its cool-down has begun") {
    auto wsd = [](const std::string& steps) {
        return resolved({"optimizer.schedule=wsd", "optimizer.cooldown=0.2", "train.steps=" + steps});
    };
    const std::string begun = wsd("1000").identity;
    REQUIRE_NOTHROW(require_same_run(begun, wsd("5000"), 800));
    REQUIRE_NOTHROW(require_same_run(begun, wsd("1000"), 900));
    for (const auto& [steps, done] : {std::pair{"5000", 801}, {"500", 401}}) {
        const Error e = error_of([&, s = std::string(steps), n = done] { require_same_run(begun, wsd(s), n); });
        INFO(e.text());
        REQUIRE(std::string(e.what()).find("cool-down begins after 800") != std::string::npos);
        REQUIRE(e.cause.find("train.steps = ") != std::string::npos);
    }
}

TEST_CASE("All changed settings are listed at once, but none that only follows from them") {
    const Resolved begun = resolved({"optimizer.warmup=0.1"});
    const auto refused = [&](std::vector<std::string> set) {
        set.insert(set.begin(), "optimizer.warmup=0.1");
        return error_of([&] { require_same_settings(begun.identity, config_of(small, set), data); });
    };
    const Error several = refused({"optimizer.lr=1e-3", "train.batch=16", "model.width=64"});
    INFO(several.text());
    REQUIRE(
        std::string(several.what()) ==
        "this run began with different settings: model.width 32 → 64, train.batch 8 → 16, optimizer.lr 0.0003 → 0.001");
    REQUIRE(several.cause == "--set model.width=64, --set train.batch=16, --set optimizer.lr=1e-3");
    REQUIRE(several.fix.find("--set model.width=32 --set train.batch=8 --set optimizer.lr=0.0003, or start") == 0);

    const Error longer = refused({"train.steps=2000"});  // the warm-up is a share of the steps
    INFO(longer.text());
    REQUIRE(std::string(longer.what()) == "this run began with different settings: train.steps 1000 → 2000");
    REQUIRE(longer.cause == "--set train.steps=2000");

    REQUIRE(
        std::string(refused({"model.feed_forward=0", "model.tied=false"}).what()).ends_with("model.tied true → false"));
    REQUIRE_NOTHROW(require_same_settings(begun.identity, config_of(small, {"optimizer.warmup=100"}), data));
    REQUIRE_NOTHROW(
        require_same_settings(begun.identity, config_of(recipe_text(begun.config), {"train.threads=3"}), data));

    DataFacts other = data;
    other.identity = "another";
    const Error both = error_of([&] {
        require_same_settings(begun.identity, config_of(small, {"optimizer.warmup=0.1", "train.seed=7"}), other);
    });
    INFO(both.text());
    REQUIRE(std::string(both.what()).ends_with("train.seed 1 → 7; and with different data"));
}
