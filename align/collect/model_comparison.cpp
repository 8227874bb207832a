#include "align/collect/model_comparison.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/base/one_line.h"
#include "engine/base/plural.h"

namespace gradus {

std::vector<ModelComparison> compared_models(std::span<const Ranking> rankings) {
    std::vector<std::string> models;  // in the order of their first answers
    for (const Ranking& r : rankings)
        for (const std::string& m : r.models)
            if (std::count(models.begin(), models.end(), m) == 0) models.push_back(m);
    std::vector<ModelComparison> all;
    for (size_t a = 0; a < models.size(); ++a)
        for (size_t b = a + 1; b < models.size(); ++b) {
            ModelComparison c{models[a], models[b], {}};
            for (const Ranking& r : rankings)
                for (size_t i = 0; i < r.models.size(); ++i)
                    for (size_t j = 0; j < r.models.size(); ++j)
                        if (r.models[i] == c.one && r.models[j] == c.other)
                            c.preferred.add(double(r.ranks[i]) - double(r.ranks[j]));
            if (c.preferred.all + c.preferred.ties > 0) all.push_back(std::move(c));
        }
    return all;
}

std::string text_of(const std::vector<ModelComparison>& comparisons) {
    std::string text;
    for (const ModelComparison& c : comparisons) {
        const Interval i = c.preferred.interval();
        text += fmt::format("'{}' is preferred to '{}' in {:.0f}% ({:.0f}% to {:.0f}%) of {}, {} more tied\n",
                            on_one_line(c.other, 60), on_one_line(c.one, 60), 100 * c.preferred.share(), 100 * i.low,
                            100 * i.high, number_of(int64_t(c.preferred.all), "pair"), int64_t(c.preferred.ties));
    }
    return text;
}

}  // namespace gradus
