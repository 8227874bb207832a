#pragma once
// SentencePiece's .model: a ModelProto of protocol buffers.
//
//   1 pieces (repeated)   1 piece: string   2 score: float
//                         3 type: NORMAL 1, UNKNOWN 2, CONTROL 3, USER_DEFINED 4, UNUSED 5, BYTE 6
//   2 trainer_spec        3 model_type: UNIGRAM 1, BPE 2, WORD 3, CHAR 4   24 treat_whitespace_as_suffix
//                         35 byte_fallback   40 … 43 ids of unk, bos, eos, pad   44 unk_surface   45 … 48 their pieces
//   3 normalizer_spec     1 name   2 precompiled_charsmap   3 add_dummy_prefix   4 remove_extra_whitespaces
//                         5 escape_whitespaces
//   5 denormalizer_spec   2 precompiled_charsmap
//
// Absent fields have the defaults below, unknown ones are skipped, and the last of several wins. What only training
// uses is neither read nor written.
//
// Errors name the file and the byte: a field that ends after the file or its message, a wrong wire type, a piece that
// is empty or not UTF-8, a score that is not finite, an unknown type, no piece; as SentencePiece itself: not exactly
// one unknown piece, a name twice, byte pieces that are not <0x00> to <0xFF>, each once, if and only if there is
// byte_fallback.
// Source: sentencepiece_model.proto; protobuf.dev/programming-guides/encoding.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/file.h"

namespace gradus {

struct SentencePieceModel {
    enum class Algorithm { unigram = 1, bpe = 2, word = 3, character = 4 };
    enum class Type { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };
    struct Piece {
        std::string text;
        float score = 0;
        Type type = Type::normal;
        bool operator==(const Piece&) const = default;
    };

    std::vector<Piece> pieces;

    Algorithm algorithm = Algorithm::unigram;
    bool byte_fallback = false, treat_whitespace_as_suffix = false;
    int32_t unk_id = 0, bos_id = 1, eos_id = 2, pad_id = -1;  // -1: none
    std::string unk_piece = "<unk>", bos_piece = "<s>", eos_piece = "</s>", pad_piece = "<pad>";
    std::string unk_surface = " \u2047 ";  // the text of an unknown token

    std::string normalizer_name, precompiled_charsmap;  // the table of tokenizer/parts/normalizer.h's Precompiled
    bool add_dummy_prefix = true, remove_extra_whitespaces = true, escape_whitespaces = true;
    std::string denormalizer_charsmap;

    bool operator==(const SentencePieceModel&) const = default;
};

// Errors use `name` as the file's name.
SentencePieceModel parse_sentencepiece_model(std::string_view bytes, const std::string& name);
SentencePieceModel read_sentencepiece_model(const fs::path& path);

std::string write_sentencepiece_model(const SentencePieceModel& model);

}  // namespace gradus
