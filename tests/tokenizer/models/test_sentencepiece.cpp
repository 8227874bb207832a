// Unigram and BPE from .model files against sentencepiece.
#include "engine/base/fnv.h"
#include "tests/tokenizer/models/model_goldens.h"
#include "tokenizer/files/sentencepiece_parts.h"

using namespace gradus;
using nlohmann::json;

namespace {

void check_texts(const SentencePieceModel& file, const json& cases) {
    const auto check = [&](const auto& model) {
        for (const json& row : cases) {
            const std::string normalized = row[0];
            CAPTURE(normalized);
            const std::vector<int32_t> expected = row[1];
            REQUIRE(ids_of(model, normalized) == expected);
            REQUIRE(ids_of(model, normalized) == expected);
            std::vector<int32_t> ids;
            append_ids(tokens_of(model, normalized), ids);
            REQUIRE(ids == expected);
        }
    };
    const TokenNames names = names_of(file);
    if (file.algorithm == SentencePieceModel::Algorithm::bpe) {
        const SentencePieceBpe bpe = bpe_of(file);
        check(BpeModel(bpe.parts, names, bpe.rules));
    } else {
        const SentencePieceUnigram unigram = unigram_of(file);
        check(UnigramModel(unigram.parts, names, unigram.rules));
    }
}

}  // namespace

TEST_CASE("models of .model files make sentencepiece's ids") {
    int checked = 0;
    for (const json& row : golden("models/sentencepiece.json")) {
        const std::string name = row["file"];
        const bool ours = row["ours"];
        const fs::path path = ours ? golden_path("models/" + name) : shared_data() / "vocab" / name;
        CAPTURE(name);
        if (!ours && !fs::exists(path)) {
            WARN("skipped: " << path << " is not there");
            continue;
        }
        const SentencePieceModel file = read_sentencepiece_model(path);
        REQUIRE(file.pieces.size() == row["size"].get<size_t>());
        check_texts(file, row["cases"]);
        ++checked;
    }
    REQUIRE(checked >= 3);
}
