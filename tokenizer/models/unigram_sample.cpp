// Unigram: the n best ways, and random ones.
#include <algorithm>
#include <cmath>
#include <limits>
#include <queue>

#include "engine/base/error.h"
#include "engine/base/philox.h"
#include "tokenizer/models/unigram_edges.h"

namespace gradus {

// All tokens that could be part of a way, by their begin.
std::vector<UnigramModel::Edge> UnigramModel::edges_of(std::string_view piece) const {
    CHECK(piece.size() < none);
    std::vector<Edge> edges;
    for (size_t begin = 0; begin < piece.size(); begin += char_length(piece, begin))
        for_each_edge(piece, begin, [&](size_t end, int32_t id, double score) {
            edges.push_back({uint32_t(begin), uint32_t(end), id, score});
        });
    return edges;
}

// The tokens of a way, whose edges are given from the last to the first.
std::vector<ModelToken> UnigramModel::tokens_of(std::string_view piece, const std::vector<Edge>& reversed) const {
    std::vector<ModelToken> tokens;
    Output output(*this, piece);
    const auto append = [&](int32_t id, uint32_t begin, uint32_t end) { tokens.push_back({id, begin, end}); };
    for (auto edge = reversed.rbegin(); edge != reversed.rend(); ++edge)
        output.add(edge->id, edge->begin, edge->end, append);
    output.finish(append);
    return tokens;
}

namespace {

// The edges that end at each byte: order[first[end] … first[end + 1]) are their indices.
struct ByEnd {
    std::vector<uint32_t> first, order;

    template <class Edges>
    ByEnd(const Edges& edges, size_t size) : first(size + 2, 0), order(edges.size()) {
        for (const auto& edge : edges) ++first[edge.end + 1];
        for (size_t i = 1; i < first.size(); ++i) first[i] += first[i - 1];
        std::vector<uint32_t> next(first.begin(), first.end() - 1);
        for (uint32_t i = 0; i < edges.size(); ++i) order[next[edges[i].end]++] = i;
    }
};

}  // namespace

// A*: ways are built from the end of the piece to its begin, and the best score from the begin to where a way has
// arrived is known from Viterbi's algorithm, so that complete ways come out best first. No more than `count` ways go on
// from any byte: those after are worse than as many complete ones.
std::vector<UnigramModel::Way> UnigramModel::best_ways(std::string_view piece, size_t count) const {
    if (piece.empty() || count == 0) return {};
    const std::vector<Edge> edges = edges_of(piece);
    const ByEnd by_end(edges, piece.size());
    std::vector<double> best(piece.size() + 1, -std::numeric_limits<double>::infinity());
    best[0] = 0;
    for (const Edge& edge : edges) best[edge.end] = std::max(best[edge.end], best[edge.begin] + edge.score);

    struct Partial {
        uint32_t edge, after;  // the partial way that this edge precedes
        double score;          // of the edges so far
    };
    struct Candidate {
        double bound;
        uint32_t partial;
        bool operator<(const Candidate& other) const {
            return bound != other.bound ? bound < other.bound : partial > other.partial;
        }
    };
    std::vector<Partial> partials;
    std::priority_queue<Candidate> candidates;
    std::vector<size_t> extended(piece.size() + 1, 0);
    const auto extend = [&](uint32_t at, uint32_t after, double score) {
        if (++extended[at] > count) return;
        for (uint32_t i = by_end.first[at]; i < by_end.first[at + 1]; ++i) {
            const Edge& edge = edges[by_end.order[i]];
            if (std::isinf(best[edge.begin])) continue;
            partials.push_back({by_end.order[i], after, score + edge.score});
            candidates.push({score + edge.score + best[edge.begin], uint32_t(partials.size() - 1)});
        }
    };
    extend(uint32_t(piece.size()), none, 0);
    std::vector<Way> ways;
    while (!candidates.empty() && ways.size() < count) {
        const uint32_t at = candidates.top().partial;
        candidates.pop();
        const Partial partial = partials[at];
        if (const uint32_t begin = edges[partial.edge].begin; begin > 0) {
            extend(begin, at, partial.score);
            continue;
        }
        std::vector<Edge> reversed;
        for (uint32_t i = at; i != none; i = partials[i].after) reversed.push_back(edges[partials[i].edge]);
        std::reverse(reversed.begin(), reversed.end());
        ways.push_back({tokens_of(piece, reversed), partial.score});
    }
    return ways;
}

// Forward filtering, backward sampling: the logarithm of the sum over all ways up to each byte, then tokens from the
// last to the first, each with its share of the sum.
std::vector<ModelToken> UnigramModel::sample(std::string_view piece, double alpha, uint64_t key,
                                             uint64_t counter) const {
    const std::vector<Edge> edges = edges_of(piece);
    const ByEnd by_end(edges, piece.size());
    constexpr double infinite = std::numeric_limits<double>::infinity();
    std::vector<double> sums(piece.size() + 1, -infinite);
    sums[0] = 0;
    for (size_t end = 1; end <= piece.size(); ++end) {
        double largest = -infinite, sum = 0;
        const auto each = [&](const auto& visit) {
            for (uint32_t i = by_end.first[end]; i < by_end.first[end + 1]; ++i)
                visit(sums[edges[by_end.order[i]].begin] + alpha * edges[by_end.order[i]].score);
        };
        each([&](double term) { largest = std::max(largest, term); });
        if (std::isinf(largest)) continue;
        each([&](double term) { sum += std::exp(term - largest); });
        sums[end] = largest + std::log(sum);
    }
    std::vector<Edge> reversed;
    uint64_t draw = 0;
    for (size_t end = piece.size(); end > 0; end = reversed.back().begin) {
        double rest = Philox{key}.uniform(draw++, counter);
        const Edge* chosen = nullptr;
        for (uint32_t i = by_end.first[end]; i < by_end.first[end + 1]; ++i) {
            const Edge& edge = edges[by_end.order[i]];
            const double share = std::exp(sums[edge.begin] + alpha * edge.score - sums[end]);
            if (share <= 0) continue;
            chosen = &edge;
            if ((rest -= share) < 0) break;
        }
        CHECK(chosen != nullptr);
        reversed.push_back(*chosen);
    }
    return tokens_of(piece, reversed);
}

}  // namespace gradus
