#include "engine/resolve/mesh_change.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "engine/base/error.h"
#include "engine/mesh.h"

namespace gradus {

namespace {

using Works = std::function<bool(const Config&, int ranks)>;

struct Change {
    Config config;
    int ranks;
    std::string arguments;
    bool within_limits = true;

    Change with(const std::string& key, int64_t value) const {
        Change next = *this;
        const std::string assignment = fmt::format("{}={}", key, value);
        try {
            apply_settings(next.config, {parse_assignment(assignment)});
        } catch (const Error&) { next.within_limits = false; }
        next.arguments += (arguments.empty() ? "--set " : " --set ") + assignment;
        return next;
    }
    // mesh.dp is adjusted if it was given.
    Change with_tp(int64_t tp) const {
        const Change next = tp == config.mesh.tp ? *this : with("mesh.tp", tp);
        const int64_t dp = ranks / tp;
        return config.mesh.dp == 0 || config.mesh.dp == dp ? next : next.with("mesh.dp", dp);
    }
    int64_t dp() const { return std::max<int64_t>(1, ranks / std::max<int64_t>(1, config.mesh.tp)); }
};

// Divisors of the batch, nearest to the requested value first.
std::vector<Change> micro_batches(const Change& start) {
    const int64_t asked = start.config.train.micro_batch;
    std::vector<int64_t> sizes;
    for (int64_t n = 1; asked > 0 && n <= start.config.train.batch; ++n)
        if (start.config.train.batch % n == 0 && n != asked) sizes.push_back(n);
    std::stable_sort(sizes.begin(), sizes.end(),
                     [&](int64_t a, int64_t b) { return std::abs(a - asked) < std::abs(b - asked); });
    std::vector<Change> all;
    for (int64_t n : sizes) all.push_back(start.with("train.micro_batch", n));
    return all;
}

// Larger batches that every rank of dp can divide, smallest first.
std::vector<Change> batches(const Change& start) {
    std::vector<Change> all;
    const int64_t dp = start.dp(), most = std::max<int64_t>(2, start.config.mesh.tp);
    for (int64_t n = start.config.train.batch / dp + 1; all.size() < size_t(most); ++n)
        all.push_back(start.with("train.batch", n * dp));
    if (const int64_t micro = start.config.train.micro_batch; micro > 1)  // with the requested micro-batch
        all.push_back(start.with("train.batch", (start.config.train.batch / (dp * micro) + 1) * dp * micro));
    return all;
}

// Values of mesh.tp below the requested one, largest first; on another number of ranks also the requested one.
std::vector<Change> meshes(const Change& start, int64_t most) {
    std::vector<Change> all;
    for (int64_t tp = std::min<int64_t>(most, start.ranks); tp >= 1; --tp)
        if (start.ranks % tp == 0) all.push_back(start.with_tp(tp));
    return all;
}

const Change* first_that_works(const std::vector<Change>& all, const Works& works) {
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const Change& c) { return c.within_limits && works(c.config, c.ranks); });
    return found == all.end() ? nullptr : &*found;
}

std::string on_these_ranks(const Change& start, const Works& works) {
    const int64_t tp = start.config.mesh.tp;
    std::vector<Change> dp;
    if (start.config.mesh.dp > 0 && start.ranks % tp == 0) dp.push_back(start.with_tp(tp));
    const std::vector<Change> smaller = meshes(start, tp - 1);
    std::vector<std::vector<Change>> in_turn = {micro_batches(start), dp, smaller, batches(start)};
    if (start.config.train.batch % start.dp() != 0) std::swap(in_turn[2], in_turn[3]);
    for (const std::vector<Change>& changes : {dp, smaller})
        for (const Change& c : changes)
            for (const auto& other : {micro_batches(c), batches(c)}) in_turn.push_back(other);
    for (const auto& all : in_turn)
        if (const Change* change = first_that_works(all, works)) return change->arguments;
    return {};
}

std::string on_fewer_ranks(const Change& start, const Works& works) {
    Change fewer = start;
    // Limits the number of attempts.
    for (int n = start.ranks - 1; n >= 1; n -= std::max(1, n / 64)) {
        fewer.ranks = n;
        const std::vector<Change> all = meshes(fewer, start.config.mesh.tp);
        if (const Change* change = first_that_works(all, works))
            return fmt::format("mpirun -n {} gradus … with {}", n,
                               change->arguments.empty() ? "these settings" : change->arguments);
    }
    return {};
}

// The number of ranks that these settings need, if it differs.
std::string on_ranks_of_settings(const Change& start, const Works& works) {
    const int64_t tp = std::max<int64_t>(1, start.config.mesh.tp), dp = start.config.mesh.dp,
                  wanted = dp > 0 ? dp * tp : std::max<int64_t>(1, start.ranks / tp) * tp;
    if (wanted == start.ranks || wanted > most_ranks || !works(start.config, int(wanted))) return {};
    return fmt::format("mpirun -n {} gradus … with these settings", wanted);
}

}  // namespace

std::string mesh_change(const Config& asked, int ranks, const Works& works) {
    const Change start = {asked, ranks, ""};
    std::string text = on_ranks_of_settings(start, works);
    const auto add = [&](const std::string& other) {
        if (!other.empty()) text += (text.empty() ? "" : ", or ") + other;
    };
    add(on_these_ranks(start, works));
    Config adamw = asked;
    adamw.optimizer.kind = "adamw";
    if (asked.optimizer.kind != "adamw" && works(adamw, ranks)) add("--set optimizer.kind=adamw");
    if (text.empty()) text = on_fewer_ranks(start, works);
    return text;
}

}  // namespace gradus
