// Agreement of raters against published examples: align/statistics/agreement.h.
#include <catch2/catch.hpp>

#include "align/statistics/agreement.h"
#include "engine/base/error.h"
#include "tests/align/derivative.h"

using namespace gradus;
using namespace gradus::test;

TEST_CASE("ranks become judgements of pairs, with ties") {
    REQUIRE(judgements_of(std::vector<int>{1, 2, 2}) == std::vector<int>{-1, -1, 0});
    REQUIRE(judgements_of(std::vector<int>{3, 1}) == std::vector<int>{1});
    REQUIRE(judgements_of(std::vector<int>{1}).empty());
}

TEST_CASE("Cohen's kappa of two raters is that of the published example") {
    // Both yes 20, both no 15, and 5 and 10 where they differ: p_o = 0.7, p_e = 0.5.
    std::vector<int> a, b;
    auto put = [&](int of_a, int of_b, int times) {
        for (int i = 0; i < times; ++i) {
            a.push_back(of_a);
            b.push_back(of_b);
        }
    };
    put(1, 1, 20), put(1, 0, 5), put(0, 1, 10), put(0, 0, 15);
    REQUIRE(is_near(*cohen_kappa(a, b), 0.4));
    REQUIRE(is_near(*cohen_kappa(a, a), 1));
    REQUIRE(is_near(*cohen_kappa(std::vector<int>{0, 1}, std::vector<int>{1, 0}), -1));
    REQUIRE_FALSE(cohen_kappa(std::vector<int>{2, 2}, std::vector<int>{2, 2}));
    REQUIRE_FALSE(cohen_kappa({}, {}));
    REQUIRE(*cohen_kappa(std::vector<int>{1, 1}, std::vector<int>{2, 2}) == 0);
}

TEST_CASE("Fleiss' kappa of fourteen raters is that of the published example") {
    const int table[10][5] = {{0, 0, 0, 0, 14}, {0, 2, 6, 4, 2}, {0, 0, 3, 5, 6}, {0, 3, 9, 2, 0}, {2, 2, 8, 1, 1},
                              {7, 7, 0, 0, 0},  {3, 2, 6, 3, 0}, {2, 5, 3, 2, 2}, {6, 5, 2, 1, 0}, {0, 2, 2, 3, 7}};
    std::vector<std::vector<int>> items(10);
    for (size_t i = 0; i < 10; ++i)
        for (int c = 0; c < 5; ++c) items[i].insert(items[i].end(), size_t(table[i][c]), c);
    REQUIRE(std::abs(*fleiss_kappa(items) - 0.20993) < 1e-5);
    REQUIRE_FALSE(fleiss_kappa(std::vector<std::vector<int>>{{1, 1}, {1, 1}}));
    REQUIRE_THROWS_AS(fleiss_kappa(std::vector<std::vector<int>>{{1, 1}, {1}}), InternalError);
}

TEST_CASE("Krippendorff's alpha of four raters with missing values is that of the published example") {
    const std::vector<std::vector<double>> units = {{1, 1, 1},    {2, 2, 3, 2}, {3, 3, 3, 3}, {3, 3, 3, 3},
                                                    {2, 2, 2, 2}, {1, 2, 3, 4}, {4, 4, 4, 4}, {1, 1, 2, 1},
                                                    {2, 2, 2, 2}, {5, 5, 5},    {1, 1},       {3}};
    REQUIRE(std::abs(*krippendorff_alpha(units, Distance::nominal) - 0.743) < 5e-4);
    REQUIRE(std::abs(*krippendorff_alpha(units, Distance::ordinal) - 0.815) < 5e-4);
    REQUIRE(std::abs(*krippendorff_alpha(units, Distance::interval) - 0.849) < 5e-4);
}

TEST_CASE("ordinal alpha is 1 for equal rankings with ties, below 0 for opposite ones, and no number for one value") {
    using Items = std::vector<std::vector<double>>;
    REQUIRE(*krippendorff_alpha(Items{{1, 1}, {2, 2}, {2, 2}, {3, 3}}) == 1);
    REQUIRE(*krippendorff_alpha(Items{{1, 4}, {2, 3}, {3, 2}, {4, 1}}) < 0);
    // A rater who differs by one rank agrees more than one who differs by three.
    REQUIRE(*krippendorff_alpha(Items{{1, 2}, {2, 1}, {3, 3}, {4, 4}}) >
            *krippendorff_alpha(Items{{1, 4}, {2, 2}, {3, 3}, {4, 1}}));
    REQUIRE_FALSE(krippendorff_alpha(Items{{1, 1}, {1, 1}}));
    REQUIRE_FALSE(krippendorff_alpha(Items{{1}, {2}}));
    // Only the order counts.
    REQUIRE(is_near(*krippendorff_alpha(Items{{1, 2}, {2, 2}, {3, 3}}),
                    *krippendorff_alpha(Items{{10, 20}, {20, 20}, {70, 70}})));
}
