#pragma once
// Measures in rounds, each between two measurements of the ceiling.
//
// The speed of a shared machine varies from moment to moment, so the share of the ceiling is the median of the rounds'
// shares.
#include <chrono>
#include <functional>
#include <vector>

namespace gradus {

using Clock = std::chrono::steady_clock;
inline double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double>);
double peak_rss_mib();

struct Rounds {
    std::vector<double> seconds, ceilings, shares;
};
// Times `work` `count` times after `warm_up` untimed rounds; rate(seconds) must have the unit of the ceiling.
Rounds measure(int warm_up, int count, const std::function<double(int)>& work,
               const std::function<double(double)>& rate, const std::function<double()>& ceiling);

}  // namespace gradus
