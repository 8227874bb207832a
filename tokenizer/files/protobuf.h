#pragma once
// The wire format of protocol buffers: a message is a list of fields, each a number, a wire type and a value.
//
// Error: a field that ends after its message, a number of more than 64 bits, groups (which are long out of use).
// Source: protobuf.dev/programming-guides/encoding.
#include <cstdint>
#include <string>
#include <string_view>

namespace gradus {

class ProtobufReader {
public:
    enum Wire : uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

    // `name` is the file's name, `offset` the place of the message in it, both for errors.
    ProtobufReader(std::string_view message, const std::string& name, size_t offset = 0)
        : message_(message), name_(name), offset_(offset) {}

    // Goes to the next field and reads it, or returns false at the end.
    bool next();
    uint32_t field() const { return field_; }

    // The value of the field. Error if it has another wire type.
    uint64_t as_varint() const;
    bool as_bool() const { return as_varint() != 0; }
    int32_t as_int32() const { return int32_t(as_varint()); }
    float as_float() const;
    std::string_view as_bytes() const;
    ProtobufReader as_message() const { return {as_bytes(), name_, value_offset_}; }

    // Throws an Error about the current field.
    [[noreturn]] void refuse(const std::string& why) const;

private:
    uint64_t read_varint();
    std::string_view take(uint64_t size);

    std::string_view message_;
    const std::string& name_;
    size_t offset_, at_ = 0, value_offset_ = 0;
    uint32_t field_ = 0;
    Wire wire_ = varint;
    uint64_t number_ = 0;
    std::string_view bytes_;
};

class ProtobufWriter {
public:
    void varint(uint32_t field, uint64_t value);
    void int32(uint32_t field, int32_t value) { varint(field, uint64_t(int64_t(value))); }
    void number(uint32_t field, float value);
    void bytes(uint32_t field, std::string_view value);
    std::string take() { return std::move(out_); }

private:
    void append(uint64_t value);
    std::string out_;
};

}  // namespace gradus
