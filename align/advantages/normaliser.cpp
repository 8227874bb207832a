#include "align/advantages/normaliser.h"

#include <string>
#include <vector>

#include "align/sequences.h"
#include "engine/base/suggest.h"

namespace gradus {

namespace {

double weight_of(Normaliser kind, const RowCounts& of_all, double own, int64_t longest) {
    switch (kind) {
        case Normaliser::grpo: return 1 / (of_all.sequences * own);
        case Normaliser::dapo: return 1 / of_all.rows;
        case Normaliser::dr_grpo: return 1 / (of_all.sequences * double(longest));
        case Normaliser::sequence: return 1 / of_all.sequences;
    }
    CHECK(false);
    return 0;
}

double learnt_rows(std::span<const uint8_t> learnt, size_t first, size_t last) {
    double count = 0;
    for (size_t n = first; n < last; ++n) count += learnt[n] != 0;
    return count;
}

}  // namespace

Normaliser normaliser_named(std::string_view name) {
    if (name == "grpo") return Normaliser::grpo;
    if (name == "dapo" || name == "bnpo") return Normaliser::dapo;
    if (name == "dr_grpo") return Normaliser::dr_grpo;
    if (name == "sequence") return Normaliser::sequence;
    const std::string near = nearest_name(name, {"grpo", "dapo", "bnpo", "dr_grpo", "sequence"});
    throw Error("there is no loss normaliser \"" + std::string(name) + "\"",
                "the loss of tokens is divided as in grpo, dapo (also called bnpo), dr_grpo or sequence",
                near.empty() ? "choose one of these" : "did you mean \"" + near + "\"?");
}

RowCounts count_rows(std::span<const uint8_t> learnt, std::span<const int64_t> lengths) {
    RowCounts counts;
    for_each_sequence(lengths, learnt.size(), [&](size_t, size_t first, size_t last) {
        const double own = learnt_rows(learnt, first, last);
        counts.sequences += own > 0;
        counts.rows += own;
    });
    return counts;
}

void row_weights(Normaliser kind, const RowCounts& of_all, std::span<const uint8_t> learnt,
                 std::span<const int64_t> lengths, int64_t longest, std::span<double> weights) {
    CHECK(weights.size() == learnt.size());
    CHECK(kind != Normaliser::dr_grpo || longest > 0);
    for_each_sequence(lengths, learnt.size(), [&](size_t, size_t first, size_t last) {
        const double own = learnt_rows(learnt, first, last);
        CHECK(own <= of_all.rows, "the counts are not those of the whole batch");
        for (size_t n = first; n < last; ++n) weights[n] = learnt[n] ? weight_of(kind, of_all, own, longest) : 0;
    });
}

}  // namespace gradus
