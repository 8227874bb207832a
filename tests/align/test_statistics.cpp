// Estimators, intervals, baselines and calibration: align/statistics/.
#include <catch2/catch.hpp>

#include "align/statistics/accuracy.h"
#include "align/statistics/best_of.h"
#include "align/statistics/calibration.h"
#include "align/statistics/running.h"
#include "tests/align/derivative.h"

#include <algorithm>
#include <bit>

using namespace gradus;
using namespace gradus::test;

namespace {

// The mean over all subsets of k answers of the value of the best of them, by trying them all; without ties.
double best_by_subsets(const std::vector<double>& scores, const std::vector<double>& values, int k) {
    double sum = 0, subsets = 0;
    for (unsigned set = 0; set < 1u << scores.size(); ++set) {
        if (std::popcount(set) != k) continue;
        size_t best = scores.size();
        for (size_t i = 0; i < scores.size(); ++i)
            if (set >> i & 1 && (best == scores.size() || scores[i] > scores[best])) best = i;
        sum += values[best];
        subsets += 1;
    }
    return sum / subsets;
}

}  // namespace

TEST_CASE("the best-of-k curve is the mean over all subsets, for the score and for another judge") {
    const std::vector<double> scores = Draws(1).normals(7), truth = Draws(2).normals(7);
    const std::vector<double> max = best_of_curve(scores), other = best_of_curve(scores, truth);
    REQUIRE(max.size() == 7);
    for (int k = 1; k <= 7; ++k) {
        REQUIRE(is_near(max[size_t(k - 1)], best_by_subsets(scores, scores, k)));
        REQUIRE(is_near(other[size_t(k - 1)], best_by_subsets(scores, truth, k)));
    }
    REQUIRE(is_near(max[6], *std::max_element(scores.begin(), scores.end())));
    REQUIRE(best_of_curve(std::vector<double>{}).empty());
}

TEST_CASE("answers with equal scores are equally likely to be the best, whatever their order") {
    const std::vector<double> curve = best_of_curve(std::vector<double>{1, 0, 1}, std::vector<double>{10, -5, 20});
    require_near(curve, std::vector<double>{25.0 / 3, 15, 15});
    require_near(best_of_curve(std::vector<double>{1, 1, 0}, std::vector<double>{20, 10, -5}), curve);
}

TEST_CASE("pass@k is the share of subsets with a right answer, and the best of k of zeros and ones") {
    for (int right : {0, 1, 3, 6}) {
        std::vector<double> scores(6, 0);
        std::fill(scores.begin(), scores.begin() + right, 1);
        const std::vector<double> curve = best_of_curve(scores);
        for (int k = 1; k <= 6; ++k) REQUIRE(is_near(pass_at(k, 6, right), curve[size_t(k - 1)]));
    }
    REQUIRE(is_near(pass_at(2, 4, 1), 0.5));
    REQUIRE(is_near(pass_at(1, 200, 30), 0.15));
    REQUIRE(pass_at(100, 200, 101) == 1);
    REQUIRE_THROWS_AS(pass_at(5, 4, 1), InternalError);
}

TEST_CASE("the divergence of best-of-k is log k - (k-1)/k") {
    REQUIRE(best_of_kl(1) == 0);
    REQUIRE(is_near(best_of_kl(4), 0.636294361119891, 1e-12));
    REQUIRE(is_near(best_of_kl(64), 3.17450808335967, 1e-10));
}

TEST_CASE("Wilson's interval is that of the tables, and stays within 0 and 1") {
    const Interval most = wilson_interval(8, 10), all = wilson_interval(10, 10), none = wilson_interval(0, 10);
    REQUIRE(is_near(most.low, 0.4901625, 1e-6));
    REQUIRE(is_near(most.high, 0.9433178, 1e-6));
    REQUIRE((all.high <= 1 && is_near(all.high, 1)));
    REQUIRE(is_near(all.low, 0.7224672, 1e-6));
    REQUIRE((none.low >= 0 && is_near(none.low, 0)));
    REQUIRE(is_near(none.high, 1 - 0.7224672, 1e-6));
    REQUIRE((wilson_interval(0, 0).low == 0 && wilson_interval(0, 0).high == 1));
}

TEST_CASE("the bootstrap of zeros and ones is near Wilson's interval, and a function of its seed") {
    std::vector<double> values(400, 0);
    std::fill(values.begin(), values.begin() + 280, 1);
    const Interval a = bootstrap_interval(values, 1), b = bootstrap_interval(values, 1), w = wilson_interval(280, 400);
    REQUIRE((a.low == b.low && a.high == b.high));
    REQUIRE(std::abs(a.low - w.low) < 0.01);
    REQUIRE(std::abs(a.high - w.high) < 0.01);
    REQUIRE(bootstrap_interval(values, 2).low != a.low);
    const Interval constant = bootstrap_interval(std::vector<double>(5, 3.0), 1);
    REQUIRE((constant.low == 3 && constant.high == 3));
}

TEST_CASE("accuracy leaves ties out and says how many there are") {
    const Accuracy a = pair_accuracy(std::vector<double>{1, -2, 0, 0.5, 3});
    REQUIRE((a.right == 3 && a.all == 4 && a.ties == 1 && a.share() == 0.75));
    REQUIRE(pair_accuracy({}).share() == 0);
}

TEST_CASE("the baseline of length takes the better of its two rules") {
    const std::vector<int64_t> chosen = {5, 1, 2, 7, 3}, rejected = {4, 9, 8, 8, 3};
    const PairBaselines b = pair_baselines(chosen, rejected);
    REQUIRE((b.longer.right == 1 && b.longer.all == 4 && b.longer.ties == 1));
    REQUIRE(b.length() == 0.75);
    REQUIRE(pair_baselines({}, {}).length() == 0.5);
}

TEST_CASE("a model whose margins are log odds is calibrated, one whose margins are twice as large is not") {
    Draws draw(3);
    std::vector<double> honest, boastful;
    for (int i = 0; i < 20000; ++i) {
        const double size = std::abs(draw.normal(2));
        const double margin = draw.uniform() < 1 / (1 + std::exp(-size)) ? size : -size;
        honest.push_back(margin);
        boastful.push_back(2 * margin);
    }
    const auto bins = calibration(honest, 10);
    REQUIRE(bins.size() == 10);
    for (size_t b = 0; b < 10; ++b) {
        REQUIRE(bins[b].pairs == 2000);
        REQUIRE(std::abs(bins[b].share - bins[b].expected) < 0.04);
        if (b) REQUIRE(bins[b].margin > bins[b - 1].margin);
    }
    REQUIRE(calibration_error(bins) < 0.02);
    REQUIRE(calibration_error(calibration(boastful, 10)) > 0.05);
}

TEST_CASE("calibration by hand: few pairs make fewer bins, and a tie is half right") {
    const auto bins = calibration(std::vector<double>{2, -1, 0}, 10);
    REQUIRE(bins.size() == 3);
    REQUIRE((bins[0].share == 0.5 && bins[1].share == 0 && bins[2].share == 1));
    REQUIRE((bins[0].expected == 0.5 && bins[1].margin == 1 && bins[2].margin == 2));
    REQUIRE(is_near(bins[2].expected, 1 / (1 + std::exp(-2.0))));
    REQUIRE(calibration({}, 5).empty());
    REQUIRE(calibration_error({}) == 0);
}

TEST_CASE("a pair with a soft label counts as the share of it that the margin's sign agrees with") {
    const auto bins = calibration(std::vector<double>{-1, 2, 0.5}, 3, std::vector<double>{0.9, 0.7, 0.5});
    REQUIRE(bins.size() == 3);
    REQUIRE((bins[0].share == 0.5 && is_near(bins[1].share, 0.1) && bins[2].share == 0.7));
    // A model that says what the labels say is calibrated.
    std::vector<double> margins, labels;
    for (int i = -20; i <= 20; ++i) {
        margins.push_back(0.2 * i + 0.05);
        labels.push_back(1 / (1 + std::exp(-margins.back())));
    }
    REQUIRE(calibration_error(calibration(margins, 10, labels)) < 1e-12);
    REQUIRE(calibration_error(calibration(margins)) > 0.2);
    REQUIRE_THROWS_AS(calibration(margins, 10, std::vector<double>{1}), InternalError);
}

TEST_CASE("running mean and deviation are those of the formula, also far from 0 and from two parts") {
    Running all, left, right;
    for (double x : {1e9 + 1, 1e9 + 2, 1e9 + 4, 1e9 + 9}) all.add(x);
    REQUIRE(all.mean == 1e9 + 4);
    REQUIRE(is_near(all.sd(), std::sqrt(38.0 / 3), 1e-6));
    REQUIRE(is_near(all.standard_error(), std::sqrt(38.0 / 12), 1e-6));
    left.add(1e9 + 1);
    for (double x : {1e9 + 2, 1e9 + 4, 1e9 + 9}) right.add(x);
    left += right;
    left += Running{};
    REQUIRE(is_near(left.mean, all.mean, 1e-15));
    REQUIRE(is_near(left.sd(), all.sd(), 1e-6));
    REQUIRE(left.count == 4);
    Running empty;
    empty += right;
    REQUIRE(empty.mean == right.mean);
    REQUIRE(Running{}.sd() == 0);
}
