// Advantages within a group of answers, scores and normalisers: align/advantages/.
#include <catch2/catch.hpp>

#include "align/advantages/group.h"
#include "align/advantages/normaliser.h"
#include "align/advantages/scores.h"
#include "engine/base/error.h"
#include "tests/align/policy_rows.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr GroupAdvantage group_kinds[] = {GroupAdvantage::grpo, GroupAdvantage::dr_grpo, GroupAdvantage::rloo};

struct Grouped {
    std::vector<double> advantages;
    GroupSums sums;
};

Grouped grouped(GroupAdvantage kind, const std::vector<double>& scores, int64_t G, std::vector<uint8_t> scored = {}) {
    if (scored.empty()) scored.assign(scores.size(), 1);
    Grouped g{std::vector<double>(scores.size(), unread), {}};
    g.sums = group_advantages(kind, scores, scored, G, g.advantages);
    return g;
}

std::vector<double> weights_of(Normaliser kind, const RowCounts& of_all, const std::vector<uint8_t>& learnt,
                               const std::vector<int64_t>& lengths, int64_t longest = 0) {
    std::vector<double> weights(learnt.size(), unread);
    row_weights(kind, of_all, learnt, lengths, longest, weights);
    return weights;
}

}  // namespace

TEST_CASE("advantages within a group by hand") {
    // Mean 3, sd √(20/3) over n − 1; and a second group on another level.
    const std::vector<double> scores = {0, 2, 4, 6, 100, 100, 100, 104};
    const double sd = std::sqrt(20.0 / 3) + 1e-4;
    const Grouped grpo = grouped(GroupAdvantage::grpo, scores, 4);
    require_near(std::span(grpo.advantages).first(4), std::vector<double>{-3 / sd, -1 / sd, 1 / sd, 3 / sd});
    require_near(std::span(grpo.advantages).subspan(4),
                 std::vector<double>{-1 / 2.0001, -1 / 2.0001, -1 / 2.0001, 3 / 2.0001});
    REQUIRE(grouped(GroupAdvantage::dr_grpo, scores, 4).advantages == std::vector<double>{-3, -1, 1, 3, -1, -1, -1, 3});
    // Less the mean of the other three.
    require_near(grouped(GroupAdvantage::rloo, scores, 4).advantages,
                 std::vector<double>{0 - 4.0, 2 - 10.0 / 3, 4 - 8.0 / 3, 6 - 2.0, -4.0 / 3, -4.0 / 3, -4.0 / 3, 4});
    REQUIRE((grpo.sums.groups == 2 && grpo.sums.without_spread == 0 && grpo.sums.answers == 8));
}

TEST_CASE("leaving one out is the baseline of the mean times G/(G-1), and every group adds up to 0") {
    Draws draw(1);
    for (int64_t G : {2, 3, 8}) {
        const std::vector<double> scores = draw.normals(size_t(5 * G), 3);
        const Grouped rloo = grouped(GroupAdvantage::rloo, scores, G),
                      mean = grouped(GroupAdvantage::dr_grpo, scores, G);
        for (size_t i = 0; i < scores.size(); ++i)
            REQUIRE(is_near(rloo.advantages[i], mean.advantages[i] * double(G) / double(G - 1)));
        for (GroupAdvantage kind : group_kinds) {
            const Grouped g = grouped(kind, scores, G);
            for (size_t first = 0; first < scores.size(); first += size_t(G)) {
                double sum = 0;
                for (size_t i = 0; i < size_t(G); ++i) sum += g.advantages[first + i];
                REQUIRE(std::abs(sum) < 1e-9);
            }
        }
    }
}

TEST_CASE("a group of equal scores has advantages of exactly 0 and is counted, though its mean be rounded") {
    for (GroupAdvantage kind : group_kinds)
        for (double score : {0.0, 0.1, 1.0 / 3, 1e9}) {
            const Grouped g = grouped(kind, {score, score, score, 0, 1, 0}, 3);
            for (size_t i = 0; i < 3; ++i) REQUIRE(g.advantages[i] == 0);
            REQUIRE(g.advantages[4] > 0);
            REQUIRE((g.sums.groups == 2 && g.sums.without_spread == 1));
        }
    REQUIRE(grouped(GroupAdvantage::rloo, {5}, 1).advantages[0] == 0);
}

TEST_CASE("an answer without a score has no advantage and changes nobody else's") {
    for (GroupAdvantage kind : group_kinds) {
        const Grouped masked = grouped(kind, {1, unread, 2, 6}, 4, {1, 0, 1, 1}), without = grouped(kind, {1, 2, 6}, 3);
        REQUIRE(masked.advantages[1] == 0);
        REQUIRE(masked.advantages[0] == without.advantages[0]);
        REQUIRE(masked.advantages[2] == without.advantages[1]);
        REQUIRE(masked.advantages[3] == without.advantages[2]);
        REQUIRE((masked.sums.unscored == 1 && masked.sums.answers == 4));
        const Grouped alone = grouped(kind, {unread, 3, unread, unread}, 2, {0, 1, 0, 0});
        REQUIRE(alone.advantages == std::vector<double>(4, 0));
        REQUIRE((alone.sums.without_spread == 2 && alone.sums.unscored == 3));
    }
}

TEST_CASE("a score that is no finite number is an error that names the answer") {
    for (double bad : {unread, HUGE_VAL, -HUGE_VAL})
        REQUIRE_THROWS_AS(grouped(GroupAdvantage::grpo, {1, 2, bad, 3}, 2), Error);
    try {
        grouped(GroupAdvantage::grpo, {1, 2, unread, 3}, 2);
    } catch (const Error& e) { REQUIRE(std::string(e.what()) == "the score of answer 3 of the batch is nan"); }
}

TEST_CASE("the weight of a row by the name of the normaliser") {
    // Two answers of 1 and 3 learnt rows, and one without any.
    const std::vector<uint8_t> learnt = {1, 0, 1, 1, 1, 0};
    const std::vector<int64_t> lengths = {1, 4, 1};
    const RowCounts counts = count_rows(learnt, lengths);
    REQUIRE((counts.sequences == 2 && counts.rows == 4));
    using V = std::vector<double>;
    require_near(weights_of(normaliser_named("grpo"), counts, learnt, lengths),
                 V{0.5, 0, 1.0 / 6, 1.0 / 6, 1.0 / 6, 0});
    require_near(weights_of(normaliser_named("dapo"), counts, learnt, lengths), V{0.25, 0, 0.25, 0.25, 0.25, 0});
    require_near(weights_of(normaliser_named("bnpo"), counts, learnt, lengths), V{0.25, 0, 0.25, 0.25, 0.25, 0});
    require_near(weights_of(normaliser_named("dr_grpo"), counts, learnt, lengths, 10), V{0.05, 0, 0.05, 0.05, 0.05, 0});
    require_near(weights_of(normaliser_named("sequence"), counts, learnt, lengths), V{0.5, 0, 0.5, 0.5, 0.5, 0});
}

TEST_CASE("an unknown normaliser is an error that says what was meant") {
    try {
        normaliser_named("dr-grpo");
        REQUIRE(false);
    } catch (const Error& e) {
        REQUIRE(std::string(e.what()) == "there is no loss normaliser \"dr-grpo\"");
        REQUIRE(e.fix == "did you mean \"dr_grpo\"?");
    }
}

TEST_CASE("weights by the counts of all micro-batches make accumulation the same as one batch") {
    const SampledRows s(9);
    const RowCounts whole = count_rows(s.learnt, s.lengths);
    // The first two sequences, and the others.
    const size_t rows = 7;
    const std::vector<uint8_t> a(s.learnt.begin(), s.learnt.begin() + rows), b(s.learnt.begin() + rows, s.learnt.end());
    const std::vector<int64_t> of_a = {1, 6}, of_b = {0, 3, 2, 9};
    RowCounts counts = count_rows(a, of_a);
    counts += count_rows(b, of_b);
    REQUIRE((counts.sequences == whole.sequences && counts.rows == whole.rows));
    for (const char* name : {"grpo", "dapo", "dr_grpo", "sequence"}) {
        const Normaliser kind = normaliser_named(name);
        std::vector<double> joined = weights_of(kind, counts, a, of_a, 12);
        const std::vector<double> rest = weights_of(kind, counts, b, of_b, 12);
        joined.insert(joined.end(), rest.begin(), rest.end());
        REQUIRE(joined == weights_of(kind, whole, s.learnt, s.lengths, 12));
    }
    // A micro-batch by its own counts would be a mean of means.
    REQUIRE(weights_of(Normaliser::dapo, count_rows(a, of_a), a, of_a) !=
            weights_of(Normaliser::dapo, counts, a, of_a));
    REQUIRE_THROWS_AS(weights_of(Normaliser::dapo, count_rows(a, of_a), s.learnt, s.lengths), InternalError);
}

TEST_CASE("weights of a batch without a learnt row are zeros and not infinite") {
    const std::vector<uint8_t> learnt(4, 0);
    const std::vector<int64_t> lengths = {3, 1};
    for (const char* name : {"grpo", "dapo", "dr_grpo", "sequence"})
        REQUIRE(weights_of(normaliser_named(name), count_rows(learnt, lengths), learnt, lengths, 5) ==
                std::vector<double>(4, 0));
}

TEST_CASE("a score is normalised, then clipped, then made worse by a missing end") {
    const ScoreShape shape{.mean = 2, .sd = 4, .clip = 1.5, .missing_end = 1};
    REQUIRE(shaped_score(shape, 6, true) == 1);
    REQUIRE(shaped_score(shape, 100, true) == 1.5);
    REQUIRE(shaped_score(shape, -100, true) == -1.5);
    REQUIRE(shaped_score(shape, 100, false) == 0.5);
    const ScoreShape replaced{.mean = 2, .sd = 4, .missing_end = 1, .replace = true};
    REQUIRE(shaped_score(replaced, 100, false) == -1);
    REQUIRE(shaped_score(replaced, 100, true) == 24.5);
    REQUIRE(shaped_score({}, 3, false) == 3);
    REQUIRE(shaped_score({.mean = 3, .sd = 0}, 3, true) == 0);
}

TEST_CASE("the penalty of long answers falls from 0 to -1 over the cache, and is -1 beyond") {
    REQUIRE(overlong_penalty(60, 100, 40) == 0);
    REQUIRE(overlong_penalty(61, 100, 40) == -1.0 / 40);
    REQUIRE(overlong_penalty(80, 100, 40) == -0.5);
    REQUIRE(overlong_penalty(100, 100, 40) == -1);
    REQUIRE(overlong_penalty(101, 100, 40) == -1);
    REQUIRE(overlong_penalty(100, 100, 0) == 0);
    REQUIRE(overlong_penalty(101, 100, 0) == -1);
}
