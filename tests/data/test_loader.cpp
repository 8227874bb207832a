#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <thread>

#include "data/loader.h"
#include "data/permutation.h"
#include "tests/data/temporary_folder.h"

using namespace gradus;

namespace {

using Ids = std::vector<int32_t>;

constexpr int32_t end_of_text = 0;

// Documents with ids of their own: id 1 + 100·d + k is place k of document d.
std::vector<Ids> numbered_documents(const std::vector<int>& lengths) {
    std::vector<Ids> documents;
    for (size_t d = 0; d < lengths.size(); ++d) {
        documents.emplace_back();
        for (int k = 0; k < lengths[d]; ++k) documents.back().push_back(int32_t(1 + 100 * d + size_t(k)));
    }
    return documents;
}

fs::path write_shard(const fs::path& prefix, const std::vector<Ids>& documents, bool closed, int vocab_size = 60000) {
    ShardMeta meta;
    meta.tokenizer_xxh64 = "0";
    meta.vocab_size = vocab_size;
    if (closed) meta.end_of_text = end_of_text;
    ShardWriter writer(prefix, meta);
    for (const Ids& ids : documents) writer.add(ids, 1);
    writer.commit();
    return prefix;
}

struct Samples {
    int count, T;
    Ids tokens, targets, positions, first_key;

    Samples(int count_, int T_) : count(count_), T(T_) {
        for (Ids* out : {&tokens, &targets, &positions, &first_key}) out->assign(size_t(count) * size_t(T), -99);
    }
    bool operator==(const Samples&) const = default;
};

Samples filled(const Loader& loader, int T, int64_t first, int count) {
    Samples s(count, T);
    loader.fill(first, count, s.tokens.data(), s.targets.data(), s.positions.data(), s.first_key.data());
    return s;
}

Samples in_order(const Loader& loader, int T) {
    Samples s(int(loader.windows_in_order()), T);
    loader.fill_in_order(0, s.count, s.tokens.data(), s.targets.data(), s.positions.data(), s.first_key.data());
    return s;
}

const std::vector<int> some_lengths = {3, 17, 1, 40, 8, 8, 25, 2, 60, 5, 11};  // 180 ids and 11 end-of-texts

}  // namespace

TEST_CASE("a permutation gives every number once, and another order for another key") {
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

TEST_CASE("a permutation of more things than can be counted through stays inside and repeats nothing") {
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

TEST_CASE("every order of three things comes up, about equally often") {
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

TEST_CASE("every id is a target at most once an epoch, and all but those at the two ends are") {
    const TemporaryFolder folder;
    const fs::path prefix = write_shard(folder / "a", numbered_documents(some_lengths), true);
    for (const int T : {1, 4, 7, 16, 64}) {
        const Loader loader({prefix}, {T, 42});
        REQUIRE(loader.tokens() == 191);
        for (int64_t epoch = 0; epoch < 3; ++epoch) {
            const int64_t n = loader.samples_per_epoch();
            const Samples s = filled(loader, T, epoch * n, int(n));
            std::map<int32_t, int> times;
            int64_t targets = 0;
            for (const int32_t target : s.targets) ++times[target], targets += target >= 0;
            REQUIRE(targets == n * T);
            for (const auto& [id, count] : times)
                if (id != end_of_text) REQUIRE(count == 1);
            REQUIRE(times[end_of_text] <= 11);
            REQUIRE(targets > loader.tokens() - 2 * T);
        }
    }
}

TEST_CASE("over the epochs every id becomes a target, and no epoch repeats the order of another") {
    const TemporaryFolder folder;
    const Loader loader({write_shard(folder / "a", numbered_documents(some_lengths), true)}, {16, 1});
    const int64_t n = loader.samples_per_epoch();
    std::set<int32_t> seen;
    std::set<Ids> epochs;
    for (int64_t epoch = 0; epoch < 40; ++epoch) {
        const Samples s = filled(loader, 16, epoch * n, int(n));
        seen.insert(s.targets.begin(), s.targets.end());
        epochs.insert(s.tokens);
    }
    REQUIRE(seen.size() == 181);
    REQUIRE(epochs.size() == 40);
}

TEST_CASE("a sample is the same from any thread, in any batch, after any other, in another loader") {
    const TemporaryFolder folder;
    const fs::path one = write_shard(folder / "a", numbered_documents(some_lengths), true);
    const fs::path two = write_shard(folder / "b", numbered_documents({9, 30, 2}), true);
    const Loader loader({one, two}, {8, 7}), another({one, two}, {8, 7}), third({one, two}, {8, 8});
    const Samples all = filled(loader, 8, 0, 200);
    REQUIRE(filled(loader, 8, 0, 200) == all);
    REQUIRE(filled(another, 8, 0, 200) == all);
    REQUIRE_FALSE(filled(third, 8, 0, 200) == all);
    std::vector<Samples> single(200, Samples(1, 8));
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread)
        threads.emplace_back([&, thread] {
            for (int i = 199 - thread; i >= 0; i -= 4) single[size_t(i)] = filled(loader, 8, i, 1);
        });
    for (std::thread& thread : threads) thread.join();
    for (int i = 0; i < 200; ++i) {
        REQUIRE(
            std::equal(single[size_t(i)].tokens.begin(), single[size_t(i)].tokens.end(), all.tokens.begin() + i * 8));
        REQUIRE(std::equal(single[size_t(i)].targets.begin(), single[size_t(i)].targets.end(),
                           all.targets.begin() + i * 8));
        REQUIRE(std::equal(single[size_t(i)].first_key.begin(), single[size_t(i)].first_key.end(),
                           all.first_key.begin() + i * 8));
    }
}

TEST_CASE("no position attends to another document, and each document's first id is predicted from end-of-text alone") {
    const TemporaryFolder folder;
    const Loader loader({write_shard(folder / "a", numbered_documents(some_lengths), true)}, {16, 3});
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
    const Loader loader({write_shard(folder / "a", numbered_documents(some_lengths), false)}, {16, 3});
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

TEST_CASE("plain packing has one segment a window, and every id has a target") {
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

TEST_CASE("in order, the documents come as stored and every id is a target exactly once") {
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
            const Samples masked = in_order(Loader({one, two}, {T, 3}), T);
            const auto unpredicted = std::count(masked.targets.begin(), masked.targets.end(), -1) -
                                     std::count(s.targets.begin(), s.targets.end(), -1);
            REQUIRE(unpredicted == (closed ? 0 : 13));  // the first ids of 14 documents but the stream's own
        }
    }
}

TEST_CASE("fewer ids than a window are one sample, filled up with positions that have no target") {
    const TemporaryFolder folder;
    const Loader loader({write_shard(folder / "a", {{5, 6}}, true)}, {8, 3});
    REQUIRE(loader.samples_per_epoch() == 1);
    const Samples s = filled(loader, 8, 12, 1);
    REQUIRE(s.tokens == Ids{0, 5, 6, 0, 0, 0, 0, 0});
    REQUIRE(s.targets == Ids{5, 6, 0, -1, -1, -1, -1, -1});
    REQUIRE(s.first_key == Ids{0, 0, 0, 3, 4, 4, 4, 4});
}

TEST_CASE("shards that do not fit together, and shards without tokens, are errors") {
    const TemporaryFolder folder;
    const fs::path one = write_shard(folder / "a", {{1}}, true), two = write_shard(folder / "b", {{1}}, true, 70000);
    REQUIRE(std::string(error_of([&] {
                            Loader loader({one, two}, {});
                        }).what())
                .find("different tokenizers") != std::string::npos);
    REQUIRE_THROWS_AS(Loader({}, {}), Error);
    REQUIRE_THROWS_AS(Loader({write_shard(folder / "c", {}, true)}, {}), Error);
}

TEST_CASE("shards of tokenizers that differ in the vocabulary, the end of text or the file alone are errors") {
    const TemporaryFolder folder;
    ShardMeta one;
    one.tokenizer_xxh64 = "0";
    one.vocab_size = 10;
    one.end_of_text = 9;
    const auto write = [&](const char* name, const ShardMeta& meta) {
        ShardWriter writer(folder / name, meta);
        writer.add({1, 2, 3}, 3);
        writer.commit();
        return folder / name;
    };
    ShardMeta vocabulary = one, end = one, unclosed = one, file = one;
    vocabulary.vocab_size = 11;
    end.end_of_text = 8;
    unclosed.end_of_text = std::nullopt;
    file.tokenizer_xxh64 = "1";
    const fs::path a = write("a", one);
    for (const ShardMeta& meta : {vocabulary, end, unclosed, file}) {
        const fs::path b = write("b", meta);
        REQUIRE_THROWS_AS(Loader({a, b}, {}), Error);
        REQUIRE_THROWS_AS(Loader({b, a}, {}), Error);
    }
    REQUIRE(Loader({a, write("b", one)}, {}).tokens() == 8);
}

TEST_CASE("ids outside the vocabulary never leave the loader") {
    const TemporaryFolder folder;
    const Loader loader({write_shard(folder / "a", {Ids(100, 5)}, true, 10)}, {8, 3});
    std::string ids = read_file(folder / "a.bin");
    ids[0] = 77;
    folder.write("a.bin", ids);
    const Loader broken({folder / "a"}, {8, 3});
    REQUIRE_THROWS_AS(in_order(broken, 8), Error);
    REQUIRE(in_order(loader, 8).targets.front() == 5);  // the file it had opened is still whole
}

namespace {

// One document of the ids 0, 1, 2, …: an input's id is its place in the stream.
fs::path write_count(const fs::path& prefix, int ids) {
    Ids document(static_cast<size_t>(ids));
    for (int i = 0; i < ids; ++i) document[size_t(i)] = i;
    return write_shard(prefix, {document}, false);
}

// Where the windows of an epoch begin.
Ids beginnings(const Loader& loader, int T, int64_t epoch) {
    const int64_t n = loader.samples_per_epoch();
    const Samples s = filled(loader, T, epoch * n, int(n));
    Ids first;
    for (int64_t i = 0; i < n; ++i) first.push_back(s.tokens[size_t(i * T)]);
    return first;
}

}  // namespace

TEST_CASE("the offset of the windows is drawn for each epoch from all that there are") {
    const TemporaryFolder folder;
    constexpr int T = 8;
    const Loader loader({write_count(folder / "a", 100)}, {T, 5, Packing::plain});
    std::map<int32_t, int> offsets;
    for (int64_t epoch = 0; epoch < 400; ++epoch) {
        const Ids first = beginnings(loader, T, epoch);
        for (const int32_t place : first) REQUIRE(place % T == first[0] % T);
        ++offsets[first[0] % T];
    }
    REQUIRE(offsets.size() == T);
    for (const auto& [offset, times] : offsets) REQUIRE(times > 20);
}

TEST_CASE("the windows come in an order drawn for each epoch") {
    const TemporaryFolder folder;
    constexpr int T = 8;
    const Loader loader({write_count(folder / "a", 400)}, {T, 5, Packing::plain});
    std::set<Ids> orders;
    for (int64_t epoch = 0; epoch < 20; ++epoch) {
        Ids windows = beginnings(loader, T, epoch);
        for (int32_t& place : windows) place /= T;
        Ids sorted = windows;
        std::sort(sorted.begin(), sorted.end());
        REQUIRE(sorted != windows);
        for (size_t i = 0; i < sorted.size(); ++i) REQUIRE(sorted[i] == int32_t(i));
        orders.insert(windows);
    }
    REQUIRE(orders.size() == 20);
}

TEST_CASE("the documents come in an order drawn for each epoch") {
    const TemporaryFolder folder;
    constexpr int documents = 300;
    std::vector<Ids> single;
    for (int d = 0; d < documents; ++d) single.push_back({d});
    const Loader loader({write_shard(folder / "a", single, false)}, {documents / 2, 5, Packing::plain});
    REQUIRE(loader.samples_per_epoch() == 1);
    std::set<Ids> orders;
    for (int64_t epoch = 0; epoch < 20; ++epoch) {
        const Samples s = filled(loader, documents / 2, epoch, 1);
        int followers = 0;
        for (size_t t = 0; t < s.tokens.size(); ++t) followers += s.targets[t] == s.tokens[t] + 1;
        REQUIRE(followers < 10);
        orders.insert(s.tokens);
    }
    REQUIRE(orders.size() == 20);
}

TEST_CASE("in order there is no window without a target") {
    const TemporaryFolder folder;
    for (const bool closed : {false, true})
        for (int ids = 2; ids < 40; ++ids) {
            const fs::path prefix = write_shard(folder / "a", {Ids(size_t(ids), 3)}, closed);
            for (const int T : {1, 3, 8, 16}) {
                const Loader loader({prefix}, {T, 1});
                const int targets = closed ? ids + 1 : ids - 1;
                REQUIRE(loader.windows_in_order() == (targets + T - 1) / T);
                const Samples s = in_order(loader, T);
                REQUIRE(std::count_if(s.targets.end() - T, s.targets.end(), [](int32_t t) { return t >= 0; }) ==
                        (targets - 1) % T + 1);
            }
        }
}

TEST_CASE("documents of every length are found among thousands, in every order") {
    const TemporaryFolder folder;
    std::vector<Ids> documents(5000);
    int32_t id = 0;
    std::vector<int32_t> next(60000, -1);  // the id behind each inside its document
    for (size_t d = 0; d < documents.size(); ++d)
        for (size_t k = 0; k < d * 7919 % 13; ++k) {  // also empty ones, and many groups of places that are kept
            if (k > 0) next[size_t(id - 1)] = id;
            documents[d].push_back(id++);
        }
    REQUIRE(id < 60000);
    const size_t half = documents.size() / 2;
    const fs::path one = write_shard(folder / "a", {documents.begin(), documents.begin() + long(half)}, false),
                   two = write_shard(folder / "b", {documents.begin() + long(half), documents.end()}, false);
    constexpr int T = 32;
    const Loader loader({one, two}, {T, 9});
    const int64_t n = loader.samples_per_epoch();
    for (int64_t epoch = 0; epoch < 3; ++epoch) {
        const Samples s = filled(loader, T, epoch * n, int(n));
        std::set<int32_t> seen;
        for (size_t i = 0; i < s.tokens.size(); ++i) {
            REQUIRE(s.targets[i] == next[size_t(s.tokens[i])]);
            seen.insert(s.tokens[i]);
        }
        REQUIRE(seen.size() == s.tokens.size());
    }
}
