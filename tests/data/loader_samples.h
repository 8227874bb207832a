#pragma once
// Shards and samples for the tests of the loader.
#include <filesystem>
#include <vector>

#include "data/loader.h"
#include "tests/data/temporary_folder.h"

namespace gradus {

using Ids = std::vector<int32_t>;

inline constexpr int32_t end_of_text = 0;

// Documents with distinct ids: token k of document d has the id 1 + 100·d + k.
inline std::vector<Ids> numbered_documents(const std::vector<int>& lengths) {
    std::vector<Ids> documents;
    for (size_t d = 0; d < lengths.size(); ++d) {
        documents.emplace_back();
        for (int k = 0; k < lengths[d]; ++k) documents.back().push_back(int32_t(1 + 100 * d + size_t(k)));
    }
    return documents;
}

// `closed`: every document ends with end-of-text.
inline fs::path write_shard(const fs::path& prefix, const std::vector<Ids>& documents, bool closed,
                            int vocab_size = 60000) {
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

inline Samples filled(const Loader& loader, int T, int64_t first, int count) {
    Samples s(count, T);
    loader.fill(first, count, s.tokens.data(), s.targets.data(), s.positions.data(), s.first_key.data());
    return s;
}

inline Samples in_order(const Loader& loader, int T) {
    Samples s(int(loader.windows_in_order()), T);
    loader.fill_in_order(0, s.count, s.tokens.data(), s.targets.data(), s.positions.data(), s.first_key.data());
    return s;
}

inline const std::vector<int> some_lengths = {3, 17, 1, 40, 8, 8, 25, 2, 60, 5, 11};  // 180 ids and 11 end-of-texts

}  // namespace gradus
