#include "tools/bench/rounds.h"

#include <sys/resource.h>

#include <algorithm>

namespace gradus {

double median(std::vector<double> x) {
    std::sort(x.begin(), x.end());
    return (x[(x.size() - 1) / 2] + x[x.size() / 2]) / 2;
}

double peak_rss_mib() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return double(usage.ru_maxrss) / 1024;
}

Rounds measure(int warm_up, int count, const std::function<double(int)>& work,
               const std::function<double(double)>& rate, const std::function<double()>& ceiling) {
    for (int i = 0; i < warm_up; ++i) work(i);
    Rounds r;
    double before = ceiling();
    for (int i = 0; i < count; ++i) {
        const double seconds = work(warm_up + i), after = ceiling(), around = (before + after) / 2;
        r.seconds.push_back(seconds);
        r.ceilings.push_back(around);
        r.shares.push_back(rate(seconds) / around);
        before = after;
    }
    return r;
}

}  // namespace gradus
