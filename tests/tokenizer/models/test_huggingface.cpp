// Each model against Hugging Face tokenizers: ids and offsets of awkward pieces.
#include <map>

#include "tests/tokenizer/models/model_goldens.h"
#include "tokenizer/models/bpe_model.h"
#include "tokenizer/models/unigram.h"
#include "tokenizer/models/word_level.h"
#include "tokenizer/models/word_piece.h"

using namespace gradus;
using nlohmann::json;

namespace {

// Runs `check(row, pieces)` for the golden models of a kind.
template <class Check>
void each(const std::string& kind, size_t expected, const Check& check) {
    const json goldens = golden("models/huggingface.json");
    size_t found = 0;
    for (const json& row : goldens["models"]) {
        if (row["kind"] != kind) continue;
        CAPTURE(kind, row.value("name", std::to_string(found)));
        check(row, goldens["pieces"]);
        ++found;
    }
    REQUIRE(found == expected);
}

}  // namespace

TEST_CASE("WordPiece makes the library's tokens") {
    each("word_piece", 3, [](const json& row, const json& pieces) {
        const WordPieceModel model({row["unknown"], row["prefix"], row["max_chars"]}, names_of(row["vocab"]));
        check_cases(model, pieces, row["cases"]);
    });
}

TEST_CASE("a word-level model makes the library's tokens") {
    each("word_level", 1, [](const json& row, const json& pieces) {
        check_cases(WordLevelModel({row["unknown"]}, names_of(row["vocab"])), pieces, row["cases"]);
    });
}

TEST_CASE("Unigram makes the library's tokens") {
    each("unigram", 3, [](const json& row, const json& pieces) {
        parts::Unigram parts;
        TokenNames names;
        for (const json& piece : row["pieces"]) {
            names.push_back(piece[0]);
            parts.scores.push_back(piece[1]);
        }
        parts.unknown = row["unknown"];
        parts.byte_fallback = row["byte_fallback"];
        check_cases(UnigramModel(parts, names), pieces, row["cases"]);
    });
}

TEST_CASE("BPE with each of its options makes the library's tokens") {
    each("bpe", 7, [](const json& row, const json& pieces) {
        const TokenNames names = names_of(row["vocab"]);
        std::map<std::string, int32_t> ids;
        for (size_t id = 0; id < names.size(); ++id) ids[names[id]] = int32_t(id);
        parts::Bpe parts;
        if (row.contains("unk_token")) parts.unknown = row["unk_token"];
        parts.continuing_prefix = row.value("continuing_subword_prefix", "");
        parts.end_of_word_suffix = row.value("end_of_word_suffix", "");
        parts.fuse_unknown = row.value("fuse_unk", false);
        parts.byte_fallback = row.value("byte_fallback", false);
        parts.ignore_merges = row.value("ignore_merges", false);
        for (const json& merge : row["merges"]) {
            const std::string left = merge[0], right = merge[1];
            const std::string result = left + right.substr(parts.continuing_prefix.size());
            parts.merges.push_back({ids.at(left), ids.at(right), ids.at(result)});
        }
        // Without an unknown token the library's offsets do not count the characters it leaves out.
        check_cases(BpeModel(parts, names), pieces, row["cases"], parts.unknown.has_value());
    });
}
