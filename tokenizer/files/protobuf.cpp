// Reading and writing the wire format of protocol buffers.
#include "tokenizer/files/protobuf.h"

#include <bit>

#include "engine/base/error.h"

namespace gradus {

void ProtobufReader::refuse(const std::string& why) const {
    throw Error("'" + name_ + "' is not a SentencePiece model",
                name_ + ": byte " + std::to_string(offset_ + at_) + ": " + why,
                "copy the file again from its source, or check that it is a .model file of sentencepiece");
}

uint64_t ProtobufReader::read_varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (at_ == message_.size()) refuse("the message ends within a number");
        const uint8_t byte = uint8_t(message_[at_++]);
        value |= uint64_t(byte & 0x7F) << shift;
        if (byte < 0x80) return value;
    }
    refuse("a number has more than 64 bits");
}

std::string_view ProtobufReader::take(uint64_t size) {
    if (size > message_.size() - at_) refuse("a field ends after its message");
    value_offset_ = offset_ + at_;
    const std::string_view taken = message_.substr(at_, size_t(size));
    at_ += size_t(size);
    return taken;
}

bool ProtobufReader::next() {
    if (at_ == message_.size()) return false;
    const uint64_t key = read_varint();
    if (key >> 3 == 0 || key >> 3 >= uint64_t(1) << 29) refuse("a field has the number " + std::to_string(key >> 3));
    field_ = uint32_t(key >> 3);
    switch (key & 7) {
        case varint:
            wire_ = varint;
            number_ = read_varint();
            return true;
        case bytes:
            wire_ = bytes;
            bytes_ = take(read_varint());
            return true;
        case fixed32:
        case fixed64: {
            wire_ = Wire(key & 7);
            const std::string_view taken = take(wire_ == fixed32 ? 4 : 8);
            number_ = 0;
            for (size_t i = 0; i < taken.size(); ++i) number_ |= uint64_t(uint8_t(taken[i])) << (8 * i);
            return true;
        }
        default: refuse("a field has the wire type " + std::to_string(key & 7));
    }
}

uint64_t ProtobufReader::as_varint() const {
    if (wire_ != varint) refuse("field " + std::to_string(field_) + " is not an integer");
    return number_;
}

float ProtobufReader::as_float() const {
    if (wire_ != fixed32) refuse("field " + std::to_string(field_) + " is not a number of 32 bits");
    return std::bit_cast<float>(uint32_t(number_));
}

std::string_view ProtobufReader::as_bytes() const {
    if (wire_ != bytes) refuse("field " + std::to_string(field_) + " is neither text nor a message");
    return bytes_;
}

void ProtobufWriter::append(uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_ += char(value | 0x80);
    out_ += char(value);
}

void ProtobufWriter::varint(uint32_t field, uint64_t value) {
    append(uint64_t(field) << 3 | ProtobufReader::varint);
    append(value);
}

void ProtobufWriter::number(uint32_t field, float value) {
    append(uint64_t(field) << 3 | ProtobufReader::fixed32);
    const uint32_t bits = std::bit_cast<uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) out_ += char(bits >> shift);
}

void ProtobufWriter::bytes(uint32_t field, std::string_view value) {
    append(uint64_t(field) << 3 | ProtobufReader::bytes);
    append(value.size());
    out_ += value;
}

}  // namespace gradus
