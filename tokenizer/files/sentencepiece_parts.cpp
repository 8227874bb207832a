// From SentencePiece's pieces to scores, merges and rules.
#include "tokenizer/files/sentencepiece_parts.h"

#include <algorithm>
#include <numeric>

#include "engine/base/error.h"

namespace gradus {

namespace {

using Type = SentencePieceModel::Type;

void require(const SentencePieceModel& model, SentencePieceModel::Algorithm algorithm) {
    static constexpr const char* names[] = {"", "unigram", "BPE", "word", "character"};
    if (model.algorithm != algorithm)
        throw Error(std::string("the SentencePiece model is not a ") + names[int(algorithm)] + " model",
                    std::string("it is a ") + names[int(model.algorithm)] + " model",
                    "use a .model file that spm_train wrote with --model_type=unigram or --model_type=bpe");
}

std::vector<int32_t> ids_of_type(const SentencePieceModel& model, std::initializer_list<Type> types) {
    std::vector<int32_t> ids;
    for (size_t id = 0; id < model.pieces.size(); ++id)
        if (std::find(types.begin(), types.end(), model.pieces[id].type) != types.end()) ids.push_back(int32_t(id));
    return ids;
}

int32_t unknown_of(const SentencePieceModel& model) {
    const std::vector<int32_t> ids = ids_of_type(model, {Type::unknown});
    CHECK(ids.size() == 1);
    return ids[0];
}

}  // namespace

TokenNames names_of(const SentencePieceModel& model) {
    TokenNames names;
    for (const SentencePieceModel::Piece& piece : model.pieces) names.push_back(piece.text);
    return names;
}

SentencePieceUnigram unigram_of(const SentencePieceModel& model) {
    require(model, SentencePieceModel::Algorithm::unigram);
    SentencePieceUnigram result;
    for (const SentencePieceModel::Piece& piece : model.pieces) result.parts.scores.push_back(double(piece.score));
    result.parts.unknown = unknown_of(model);
    result.parts.byte_fallback = model.byte_fallback;
    result.rules.single_precision = true;
    result.rules.never_in_text = ids_of_type(model, {Type::unknown, Type::control, Type::unused, Type::byte});
    result.rules.user_defined = ids_of_type(model, {Type::user_defined});
    return result;
}

SentencePieceBpe bpe_of(const SentencePieceModel& model) {
    require(model, SentencePieceModel::Algorithm::bpe);
    if (const std::vector<int32_t> unused = ids_of_type(model, {Type::unused}); !unused.empty())
        throw Error("the SentencePiece model has unused pieces",
                    "'" + model.pieces[size_t(unused[0])].text + "' is one; they are not supported in BPE models",
                    "use the model without a restricted vocabulary");
    const std::vector<int32_t> tokens = ids_of_type(model, {Type::normal, Type::user_defined});
    std::vector<DoubleArray::Entry> entries;
    for (const int32_t id : tokens) entries.push_back({model.pieces[size_t(id)].text, id});
    const DoubleArray ids(std::move(entries));

    std::vector<int32_t> by_score = tokens;
    std::stable_sort(by_score.begin(), by_score.end(), [&](int32_t a, int32_t b) {
        return model.pieces[size_t(a)].score > model.pieces[size_t(b)].score;
    });
    SentencePieceBpe result;
    uint32_t rank = 0;
    for (size_t i = 0; i < by_score.size(); ++i) {
        const SentencePieceModel::Piece& piece = model.pieces[size_t(by_score[i])];
        if (i > 0 && piece.score != model.pieces[size_t(by_score[i - 1])].score) ++rank;
        const std::string_view text = piece.text;
        uint32_t node = DoubleArray::root;
        for (size_t size = 1; size < text.size(); ++size) {
            node = ids.step(node, text[size - 1]);
            if (node == DoubleArray::no_node) break;
            const int32_t left = ids.value(node);
            const int32_t right = left < 0 ? -1 : ids.find(text.substr(size));
            if (right < 0) continue;
            result.parts.merges.push_back({left, right, by_score[i]});
            result.rules.ranks.push_back(rank);
        }
    }
    result.parts.unknown = model.pieces[size_t(unknown_of(model))].text;
    result.parts.fuse_unknown = true;
    result.parts.byte_fallback = model.byte_fallback;
    result.rules.user_defined = ids_of_type(model, {Type::user_defined});
    return result;
}

}  // namespace gradus
