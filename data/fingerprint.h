#pragma once
// The identity of a training set: a resumed run must see the same ids.
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/file.h"

namespace gradus {

struct Fingerprint {
    std::string text;    // 16 hexadecimal digits, a hash of every byte
    std::string former;  // as older versions of gradus computed it: sizes, and the first and last 64 KiB of each file
};

// The fingerprint of shards (shards.h), in their order, and of the text of their tokenizer. Shards with checksums are
// identified by those, since each block is verified when it is read. Of any other shard all threads read every byte.
Fingerprint fingerprint(const std::vector<fs::path>& prefixes, std::string_view tokenizer);

}  // namespace gradus
