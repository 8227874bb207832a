#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "data/permutation.h"

using namespace gradus;

TEST_CASE("a permutation contains every number once, and another key gives another order") {
    for (const int64_t n : {1, 2, 3, 4, 5, 7, 10, 64, 99, 100, 101, 1000, 4097}) {
        std::set<int64_t> seen;
        for (int64_t i = 0; i < n; ++i) {
            const int64_t x = Permutation(n, 5).at(i);
            REQUIRE(x >= 0);
            REQUIRE(x < n);
            seen.insert(x);
        }
        REQUIRE(int64_t(seen.size()) == n);
    }
    int same = 0;
    for (int64_t i = 0; i < 1000; ++i) same += Permutation(1000, 1).at(i) == Permutation(1000, 2).at(i);
    REQUIRE(same < 20);
}

TEST_CASE("a permutation of up to 2^63 items stays in range and has no repeats") {
    for (const int64_t n : {(int64_t(1) << 32) - 1, (int64_t(1) << 32) + 1, (int64_t(1) << 61) - 1, INT64_MAX}) {
        const Permutation order(n, 5);
        std::set<int64_t> seen;
        for (int64_t i = 0; i < 20'000; ++i) {
            for (const int64_t x : {order.at(i), order.at(n - 1 - i)}) {
                if (x < 0 || x >= n) FAIL(x << " of " << n);
                seen.insert(x);
            }
        }
        REQUIRE(seen.size() == 40'000);
    }
}

TEST_CASE("all orders of three items occur about equally often") {
    std::map<int64_t, int> orders;
    for (uint64_t key = 0; key < 6000; ++key) {
        const Permutation p(3, key_of(9, key));
        ++orders[p.at(0) * 9 + p.at(1) * 3 + p.at(2)];
    }
    REQUIRE(orders.size() == 6);
    for (const auto& [order, times] : orders) {
        REQUIRE(times > 800);
        REQUIRE(times < 1200);
    }
}
