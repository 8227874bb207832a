// Reading and writing SentencePiece's .model.
#include "tokenizer/files/sentencepiece_model.h"

#include <bitset>
#include <cmath>
#include <cstdio>
#include <unordered_set>

#include "engine/base/error.h"
#include "tokenizer/files/protobuf.h"
#include "tokenizer/unicode.h"

namespace gradus {

namespace {

using Piece = SentencePieceModel::Piece;
using Type = SentencePieceModel::Type;

std::string text_of(const ProtobufReader& reader) {
    const std::string_view text = reader.as_bytes();
    if (!is_utf8(text)) reader.refuse("a text is not UTF-8");
    return std::string(text);
}

Piece read_piece(ProtobufReader reader) {
    Piece piece;
    while (reader.next()) {
        switch (reader.field()) {
            case 1: piece.text = text_of(reader); break;
            case 2:
                piece.score = reader.as_float();
                if (!std::isfinite(piece.score)) reader.refuse("a score is not a finite number");
                break;
            case 3: {
                const uint64_t type = reader.as_varint();
                if (type < 1 || type > 6) reader.refuse("a piece has the unknown type " + std::to_string(type));
                piece.type = Type(type);
                break;
            }
            default: break;
        }
    }
    if (piece.text.empty()) reader.refuse("a piece is empty");
    return piece;
}

void read_trainer(ProtobufReader reader, SentencePieceModel& model) {
    while (reader.next()) {
        switch (reader.field()) {
            case 3: {
                const uint64_t type = reader.as_varint();
                if (type < 1 || type > 4) reader.refuse("the model has the unknown type " + std::to_string(type));
                model.algorithm = SentencePieceModel::Algorithm(type);
                break;
            }
            case 24: model.treat_whitespace_as_suffix = reader.as_bool(); break;
            case 35: model.byte_fallback = reader.as_bool(); break;
            case 40: model.unk_id = reader.as_int32(); break;
            case 41: model.bos_id = reader.as_int32(); break;
            case 42: model.eos_id = reader.as_int32(); break;
            case 43: model.pad_id = reader.as_int32(); break;
            case 44: model.unk_surface = text_of(reader); break;
            case 45: model.unk_piece = text_of(reader); break;
            case 46: model.bos_piece = text_of(reader); break;
            case 47: model.eos_piece = text_of(reader); break;
            case 48: model.pad_piece = text_of(reader); break;
            default: break;
        }
    }
}

void read_normalizer(ProtobufReader reader, SentencePieceModel& model) {
    while (reader.next()) {
        switch (reader.field()) {
            case 1: model.normalizer_name = text_of(reader); break;
            case 2: model.precompiled_charsmap = reader.as_bytes(); break;
            case 3: model.add_dummy_prefix = reader.as_bool(); break;
            case 4: model.remove_extra_whitespaces = reader.as_bool(); break;
            case 5: model.escape_whitespaces = reader.as_bool(); break;
            default: break;
        }
    }
}

void read_denormalizer(ProtobufReader reader, SentencePieceModel& model) {
    while (reader.next())
        if (reader.field() == 2) model.denormalizer_charsmap = reader.as_bytes();
}

// The byte of "<0x41>", or -1.
int byte_of(const std::string& text) {
    for (int byte = 0; byte < 256; ++byte) {
        char name[8];
        std::snprintf(name, sizeof name, "<0x%02X>", unsigned(byte));
        if (text == name) return byte;
    }
    return -1;
}

[[noreturn]] void refuse_model(const std::string& name, const std::string& why) {
    throw Error("'" + name + "' is not a valid SentencePiece model", name + ": " + why,
                "copy the file again from its source");
}

void check_pieces(const SentencePieceModel& model, const std::string& name) {
    if (model.pieces.empty()) refuse_model(name, "it has no pieces");
    if (model.pieces.size() > size_t(INT32_MAX)) refuse_model(name, "it has more than 2^31 pieces");
    std::unordered_set<std::string_view> in_text, reserved;
    std::bitset<256> bytes;
    int unknown = 0;
    for (const Piece& piece : model.pieces) {
        const bool is_text =
            piece.type == Type::normal || piece.type == Type::user_defined || piece.type == Type::unused;
        if (!(is_text ? in_text : reserved).insert(piece.text).second)
            refuse_model(name, "the piece '" + piece.text + "' is there twice");
        unknown += piece.type == Type::unknown;
        if (piece.type != Type::byte) continue;
        const int byte = byte_of(piece.text);
        if (!model.byte_fallback) refuse_model(name, "it has the byte '" + piece.text + "', but no byte_fallback");
        if (byte < 0) refuse_model(name, "the piece '" + piece.text + "' is not a byte, '<0x00>' to '<0xFF>'");
        bytes.set(size_t(byte));
    }
    if (unknown != 1) refuse_model(name, "it has " + std::to_string(unknown) + " unknown pieces instead of one");
    if (model.byte_fallback && !bytes.all())
        refuse_model(name, "it has byte_fallback, but only " + std::to_string(bytes.count()) + " of the 256 bytes");
}

}  // namespace

SentencePieceModel parse_sentencepiece_model(std::string_view bytes, const std::string& name) {
    SentencePieceModel model;
    ProtobufReader reader(bytes, name);
    while (reader.next()) {
        switch (reader.field()) {
            case 1: model.pieces.push_back(read_piece(reader.as_message())); break;
            case 2: read_trainer(reader.as_message(), model); break;
            case 3: read_normalizer(reader.as_message(), model); break;
            case 5: read_denormalizer(reader.as_message(), model); break;
            default: break;
        }
    }
    check_pieces(model, name);
    return model;
}

SentencePieceModel read_sentencepiece_model(const fs::path& path) {
    const MappedFile file(path);
    return parse_sentencepiece_model(file.text(), path.string());
}

std::string write_sentencepiece_model(const SentencePieceModel& model) {
    check_pieces(model, "the model to write");
    ProtobufWriter out;
    for (const Piece& piece : model.pieces) {
        ProtobufWriter fields;
        fields.bytes(1, piece.text);
        fields.number(2, piece.score);
        if (piece.type != Type::normal) fields.varint(3, uint64_t(piece.type));
        out.bytes(1, fields.take());
    }
    ProtobufWriter trainer;
    trainer.varint(3, uint64_t(model.algorithm));
    trainer.varint(4, model.pieces.size());
    if (model.treat_whitespace_as_suffix) trainer.varint(24, 1);
    if (model.byte_fallback) trainer.varint(35, 1);
    trainer.int32(40, model.unk_id);
    trainer.int32(41, model.bos_id);
    trainer.int32(42, model.eos_id);
    trainer.int32(43, model.pad_id);
    trainer.bytes(44, model.unk_surface);
    trainer.bytes(45, model.unk_piece);
    trainer.bytes(46, model.bos_piece);
    trainer.bytes(47, model.eos_piece);
    trainer.bytes(48, model.pad_piece);
    out.bytes(2, trainer.take());
    ProtobufWriter normalizer;
    normalizer.bytes(1, model.normalizer_name);
    normalizer.bytes(2, model.precompiled_charsmap);
    normalizer.varint(3, model.add_dummy_prefix);
    normalizer.varint(4, model.remove_extra_whitespaces);
    normalizer.varint(5, model.escape_whitespaces);
    out.bytes(3, normalizer.take());
    if (!model.denormalizer_charsmap.empty()) {
        ProtobufWriter denormalizer;
        denormalizer.bytes(2, model.denormalizer_charsmap);
        out.bytes(5, denormalizer.take());
    }
    return out.take();
}

}  // namespace gradus
