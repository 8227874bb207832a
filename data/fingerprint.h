#pragma once
// What tells one training set from another: a resumed run must see the same ids.
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/file.h"

namespace gradus {

struct Fingerprint {
    std::string text;    // 16 hexadecimal digits, of every byte
    std::string former;  // what older versions of gradus recorded: sizes, and the first and last 64 KiB of each file
};

// Of shards (shards.h), in their order, and the text of their tokenizer. Those with checksums are told apart by these, since
// each block is compared with its own where it is read. Of any other every byte is read, by all threads.
Fingerprint fingerprint(const std::vector<fs::path>& prefixes, std::string_view tokenizer);

}  // namespace gradus
