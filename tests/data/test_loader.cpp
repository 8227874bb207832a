// Which samples an epoch has: order, offsets, repetition; and shards that the loader refuses.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <thread>

#include "tests/data/loader_samples.h"

using namespace gradus;

namespace {

constexpr LoaderOptions any_options = {8, 1, Packing::masked};

}  // namespace

TEST_CASE("in an epoch every id is a target at most once, and all except those at the two ends are") {
    const TemporaryFolder folder;
    const fs::path prefix = write_shard(folder / "a", numbered_documents(some_lengths), true);
    for (const int T : {1, 4, 7, 16, 64}) {
        const Loader loader({prefix}, {T, 42, Packing::masked});
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

TEST_CASE("over several epochs every id becomes a target, and no two epochs have the same order") {
    const TemporaryFolder folder;
    const Loader loader({write_shard(folder / "a", numbered_documents(some_lengths), true)}, {16, 1, Packing::masked});
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

TEST_CASE("a sample does not depend on thread, batch, earlier calls or the loader object") {
    const TemporaryFolder folder;
    const fs::path one = write_shard(folder / "a", numbered_documents(some_lengths), true);
    const fs::path two = write_shard(folder / "b", numbered_documents({9, 30, 2}), true);
    const Loader loader({one, two}, {8, 7, Packing::masked}), another({one, two}, {8, 7, Packing::masked}),
        third({one, two}, {8, 8, Packing::masked});
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

TEST_CASE("incompatible shards, and shards without tokens, are errors") {
    const TemporaryFolder folder;
    const fs::path one = write_shard(folder / "a", {{1}}, true), two = write_shard(folder / "b", {{1}}, true, 70000);
    REQUIRE(std::string(error_of([&] {
                            Loader loader({one, two}, any_options);
                        }).what())
                .find("different tokenizers") != std::string::npos);
    REQUIRE_THROWS_AS(Loader({}, any_options), Error);
    REQUIRE_THROWS_AS(Loader({write_shard(folder / "c", {}, true)}, any_options), Error);
}

TEST_CASE("shards whose tokenizers differ only in vocabulary size, end-of-text or file are errors") {
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
        REQUIRE_THROWS_AS(Loader({a, b}, any_options), Error);
        REQUIRE_THROWS_AS(Loader({b, a}, any_options), Error);
    }
    REQUIRE(Loader({a, write("b", one)}, any_options).tokens() == 8);
}

TEST_CASE("the loader never returns ids outside the vocabulary") {
    const TemporaryFolder folder;
    const Loader loader({write_shard(folder / "a", {Ids(100, 5)}, true, 10)}, {8, 3, Packing::masked});
    std::string ids = read_file(folder / "a.bin");
    ids[0] = 77;
    folder.write("a.bin", ids);
    const Loader broken({folder / "a"}, {8, 3, Packing::masked});
    REQUIRE_THROWS_AS(in_order(broken, 8), Error);
    REQUIRE(in_order(loader, 8).targets.front() == 5);  // the file that it has opened is unchanged
}

namespace {

// One document with the ids 0, 1, 2, …: an input's id is its position in the stream.
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

TEST_CASE("each epoch draws the offset of its windows from all possible offsets") {
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

TEST_CASE("each epoch has its own order of windows") {
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

TEST_CASE("each epoch has its own order of documents") {
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

TEST_CASE("documents of all lengths are found among thousands, in every order") {
    const TemporaryFolder folder;
    std::vector<Ids> documents(5000);
    int32_t id = 0;
    std::vector<int32_t> next(60000, -1);  // the id that follows each one in its document
    for (size_t d = 0; d < documents.size(); ++d)
        for (size_t k = 0; k < d * 7919 % 13; ++k) {  // also empty documents, and many groups of stored positions
            if (k > 0) next[size_t(id - 1)] = id;
            documents[d].push_back(id++);
        }
    REQUIRE(id < 60000);
    const size_t half = documents.size() / 2;
    const fs::path one = write_shard(folder / "a", {documents.begin(), documents.begin() + long(half)}, false),
                   two = write_shard(folder / "b", {documents.begin() + long(half), documents.end()}, false);
    constexpr int T = 32;
    const Loader loader({one, two}, {T, 9, Packing::masked});
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
