#pragma once
// The score functions of attention, with the tensors that they read, for the tests of a backend.
#include "kernels/attention_bias.h"
#include "tests/kernels/table/attention.h"

namespace gradus::test {

struct ScoreKind {
    enum { soft_cap, alibi, relative_bias } of;
    double cap = 0;
    int reach = 0;  // M

    std::string name() const {
        if (of == soft_cap) return "soft cap " + std::to_string(cap);
        return of == alibi ? "ALiBi" : "relative bias, M = " + std::to_string(reach);
    }
};

struct ScoreOf {
    Owned tensor;  // slopes or bias
    AttentionScore score;
};
inline ScoreOf score_of(const Side& s, const Heads& h, const ScoreKind& kind) {
    if (kind.of == ScoreKind::soft_cap) return {Owned(DType::f32, {1}), SoftCap{kind.cap}};
    if (kind.of == ScoreKind::alibi) {
        const std::vector<float> slopes = alibi_slopes(h.H);
        Owned t = s.give(made(DType::f32, {h.H}, [&](int64_t i) { return slopes[size_t(i)]; }), s.accumulator());
        const Alibi score = {t};
        return {std::move(t), score};
    }
    Owned t = s.sum(70, {h.H, 2 * kind.reach + 1});
    const RelativeBias score = {t};
    return {std::move(t), score};
}

// Caps below and above most scores; tables that end within a tile, within the sequence and beyond it.
inline std::vector<ScoreKind> score_kinds(const Heads& h) {
    if (h.T > 20)
        return {{.of = ScoreKind::soft_cap, .cap = 1.5},
                {.of = ScoreKind::alibi},
                {.of = ScoreKind::relative_bias, .reach = 40}};
    return {{.of = ScoreKind::soft_cap, .cap = 1.5},
            {.of = ScoreKind::soft_cap, .cap = 50},
            {.of = ScoreKind::alibi},
            {.of = ScoreKind::relative_bias, .reach = 0},
            {.of = ScoreKind::relative_bias, .reach = 5},
            {.of = ScoreKind::relative_bias, .reach = 20}};
}

}  // namespace gradus::test
