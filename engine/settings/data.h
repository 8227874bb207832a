#pragma once
// The text to train and validate on.
#include <string>
#include <vector>

#include "engine/base/settings.h"

namespace gradus {

struct DataSettings {
    static constexpr const char* section = "data";

    std::string dir;
    std::vector<std::string> train, val;
    std::string tokenizer, packing = "masked";

    template <class Visit>
    void each(Visit&& visit) {
        using enum OnResume;
        // clang-format off
        visit("dir", dir, Limits{}, free,
              "folder made by `gradus data prepare`: its train and val shards and its tokenizer",
              {"dataset", "data_dir"});
        visit("train", train, Limits{}, free,
              "instead of data.dir: prefixes of shards (PREFIX.bin, PREFIX.idx) to train on");
        visit("val", val, Limits{}, free,
              "prefixes of shards to validate on; unset: the val shard of data.dir");
        visit("tokenizer", tokenizer, Limits{}, free,
              "tokenizer.json that the shards were made with, or its folder; unset: the one beside the first training "
              "shard");
        visit("packing", packing, one_of({{"masked"}, {"plain"}}), fixed,
              "masked: attention stays inside a document; plain: windows of one stream, as GPT-2 was trained");
        // clang-format on
    }
};

}  // namespace gradus
