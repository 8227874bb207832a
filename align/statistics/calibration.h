#pragma once
// Whether a reward model's margins mean what they say: a margin Δ promises that the higher answer is the preferred one with
// probability σ(|Δ|). Pairs are sorted by |Δ| and cut into bins of equal numbers; in each bin the share of pairs whose higher
// answer is preferred stands beside the mean of σ(|Δ|).
//
//   error = Σ_bins pairs/all · |share − expected|        (expected calibration error)
//
// A tie Δ = 0 counts as half right. A pair with a soft label p, the probability that its first answer is preferred, counts as p
// right where Δ > 0 and as 1 − p where Δ < 0. Source: Guo et al. 2017.
#include <span>
#include <vector>

namespace gradus {

struct CalibrationBin {
    double pairs = 0;
    double margin = 0;    // mean |Δ|
    double expected = 0;  // mean σ(|Δ|)
    double share = 0;     // pairs whose higher answer is preferred / pairs
};

// margins: the score of the preferred answer less that of the other; labels: p of each pair, or none: 1. At most `bins` bins,
// none of them empty.
std::vector<CalibrationBin> calibration(std::span<const double> margins, int bins = 10,
                                        std::span<const double> labels = {});

double calibration_error(std::span<const CalibrationBin>);

}  // namespace gradus
