#pragma once
// Converts the shard `a` in a folder to what an older gradus wrote: a meta that names no checksums.
#include "tests/data/temporary_folder.h"

namespace gradus {

inline void make_older(const TemporaryFolder& folder) {
    std::string meta = read_file(folder / "a.meta.json");
    for (const char* key : {"checksums_xxh64", "idx_xxh64"}) {
        const size_t begin = meta.find(key) - 3;
        meta.erase(begin, meta.find('\n', begin) + 1 - begin);
    }
    folder.write("a.meta.json", meta);
    fs::remove(folder / "a.checksums");
}

}  // namespace gradus
