#include "tools/align/pretraining_text.h"

#include "data/fingerprint.h"
#include "tools/align/same_tokenizer.h"

namespace gradus {

PretrainingText open_pretraining_text(const fs::path& data_dir, const Tokenizer& own, int context, uint64_t seed) {
    const fs::path json = data_dir / "tokenizer.json";
    require_same_tokenizer(own, data_dir, "the pre-training text",
                           "prepare it with the model's tokenizer: gradus data prepare TEXTS --tokenizer MODEL --out " +
                               data_dir.string());
    const std::vector<fs::path> shards = {data_dir / "train"};
    return {random_windows(
                open_loader(shards, json, own.vocab_size(), {.T = context, .seed = seed, .packing = Packing::masked})),
            fingerprint(shards, read_file(json)).text};
}

}  // namespace gradus
