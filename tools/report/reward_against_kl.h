#pragma once
// The path of a policy: what its answers score against how far it is from the reference. The x axis is √KL, the scale on which
// a reward model's over-optimisation is described: the proxy score rises with √KL, what people think of the answers falls
// again beyond some distance. Source: Gao, Schulman, Hilton 2022, "Scaling laws for reward model overoptimization".
#include <string>
#include <vector>

#include "tools/report/curve.h"

namespace gradus {

struct KlPoint {
    double step = 0;  // the last one of those that the point is the mean of
    double kl = 0, score = 0;
};

// The steps that have both, in at most `most` groups of equal numbers of steps; each becomes a point, their mean.
std::vector<KlPoint> kl_path(const Curve& kl, const Curve& score, size_t most = 24);

struct KlSeries {
    std::string name;
    std::vector<KlPoint> points;
};

// The card of one run, or of several that are compared; "" without points. Early points are pale, and some bear their step.
std::string kl_card(const std::vector<KlSeries>&, const std::string& score_unit);

}  // namespace gradus
