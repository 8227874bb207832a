// What a sample contains: segments, targets and positions of packed documents; and windows in the stored order.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/data/loader_samples.h"

using namespace gradus;

TEST_CASE("no position attends to another document, and a document's first id is predicted from end-of-text only") {
    const TemporaryFolder folder;
    const Loader loader({write_shard(folder / "a", numbered_documents(some_lengths), true)}, {16, 3, Packing::masked});
    const Samples s = filled(loader, 16, 0, int(3 * loader.samples_per_epoch()));
    for (int b = 0; b < s.count; ++b)
        for (int t = 0; t < 16; ++t) {
            const size_t i = size_t(b * 16 + t), first = size_t(b * 16 + s.first_key[i]);
            REQUIRE(s.first_key[i] >= 0);
            REQUIRE(s.positions[i] == t - s.first_key[i]);
            if (t > 0) REQUIRE(s.first_key[i] == (s.tokens[i] == end_of_text ? t : s.first_key[i - 1]));
            else REQUIRE(s.first_key[i] == 0);
            const int32_t target = s.targets[i];
            if (target == end_of_text) continue;
            const int document = (target - 1) / 100, place = (target - 1) % 100;
            if (place == 0) REQUIRE(s.tokens[i] == end_of_text);
            if (place == 0) REQUIRE(s.first_key[i] == t);
            for (size_t k = first; k <= i; ++k)
                if (s.tokens[k] != end_of_text) REQUIRE((s.tokens[k] - 1) / 100 == document);
                else REQUIRE(k == first);
        }
}

TEST_CASE("without end-of-text a segment begins at a document's first id, and its last id has no target") {
    const TemporaryFolder folder;
    const Loader loader({write_shard(folder / "a", numbered_documents(some_lengths), false)}, {16, 3, Packing::masked});
    const Samples s = filled(loader, 16, 0, int(loader.samples_per_epoch()));
    for (int b = 0; b < s.count; ++b)
        for (int t = 0; t < 16; ++t) {
            const size_t i = size_t(b * 16 + t);
            const int document = (s.tokens[i] - 1) / 100, place = (s.tokens[i] - 1) % 100;
            REQUIRE(s.targets[i] == (place + 1 == some_lengths[size_t(document)] ? -1 : s.tokens[i] + 1));
            REQUIRE(s.positions[i] == std::min(place, t));
            REQUIRE(s.first_key[i] == t - s.positions[i]);
        }
}

TEST_CASE("plain packing has one segment per window, and every id has a target") {
    const TemporaryFolder folder;
    for (const bool closed : {false, true}) {
        const Loader loader({write_shard(folder / "a", numbered_documents(some_lengths), closed)},
                            {16, 3, Packing::plain});
        const Samples s = filled(loader, 16, 0, int(loader.samples_per_epoch()));
        for (size_t i = 0; i < s.tokens.size(); ++i) {
            REQUIRE(s.positions[i] == int32_t(i % 16));
            REQUIRE(s.first_key[i] == 0);
            REQUIRE(s.targets[i] >= 0);
            if (i % 16 < 15) REQUIRE(s.targets[i] == s.tokens[i + 1]);
        }
    }
}

TEST_CASE("in order, documents come as stored and every id is a target exactly once") {
    const TemporaryFolder folder;
    const auto first = numbered_documents(some_lengths), second = numbered_documents({9, 30, 2});
    for (const bool closed : {false, true}) {
        const fs::path one = write_shard(folder / "a", first, closed), two = write_shard(folder / "b", second, closed);
        Ids stream;
        if (closed) stream.push_back(end_of_text);
        for (const auto* documents : {&first, &second})
            for (const Ids& ids : *documents) {
                stream.insert(stream.end(), ids.begin(), ids.end());
                if (closed) stream.push_back(end_of_text);
            }
        for (const int T : {1, 5, 16, 500}) {
            const Loader loader({one, two}, {T, 3, Packing::plain});
            const Samples s = in_order(loader, T);
            Ids targets;
            for (const int32_t target : s.targets)
                if (target >= 0) targets.push_back(target);
            REQUIRE(targets == Ids(stream.begin() + 1, stream.end()));
            for (size_t i = 0; i + 1 < stream.size(); ++i) REQUIRE(s.tokens[i] == stream[i]);
            const Samples masked = in_order(Loader({one, two}, {T, 3, Packing::masked}), T);
            const auto unpredicted = std::count(masked.targets.begin(), masked.targets.end(), -1) -
                                     std::count(s.targets.begin(), s.targets.end(), -1);
            REQUIRE(unpredicted == (closed ? 0 : 13));  // the first ids of all 14 documents except the first
        }
    }
}

TEST_CASE("a stream shorter than a window is one sample, padded with positions without targets") {
    const TemporaryFolder folder;
    const Loader loader({write_shard(folder / "a", {{5, 6}}, true)}, {8, 3, Packing::masked});
    REQUIRE(loader.samples_per_epoch() == 1);
    const Samples s = filled(loader, 8, 12, 1);
    REQUIRE(s.tokens == Ids{0, 5, 6, 0, 0, 0, 0, 0});
    REQUIRE(s.targets == Ids{5, 6, 0, -1, -1, -1, -1, -1});
    REQUIRE(s.first_key == Ids{0, 0, 0, 3, 4, 4, 4, 4});
}

TEST_CASE("in order every window has a target") {
    const TemporaryFolder folder;
    for (const bool closed : {false, true})
        for (int ids = 2; ids < 40; ++ids) {
            const fs::path prefix = write_shard(folder / "a", {Ids(size_t(ids), 3)}, closed);
            for (const int T : {1, 3, 8, 16}) {
                const Loader loader({prefix}, {T, 1, Packing::masked});
                const int targets = closed ? ids + 1 : ids - 1;
                REQUIRE(loader.windows_in_order() == (targets + T - 1) / T);
                const Samples s = in_order(loader, T);
                REQUIRE(std::count_if(s.targets.end() - T, s.targets.end(), [](int32_t t) { return t >= 0; }) ==
                        (targets - 1) % T + 1);
            }
        }
}
