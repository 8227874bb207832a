#include "engine/base/event_record.h"

#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace gradus {

namespace {

// ---- CRC-32C --------------------------------------------------------------------------------------------------------

constexpr uint32_t castagnoli = 0x82f63b78;  // the polynomial 0x1edc6f41, its bits reversed

constexpr std::array<uint32_t, 256> table_of_bytes() {
    std::array<uint32_t, 256> table{};
    for (uint32_t byte = 0; byte < 256; ++byte) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? castagnoli : 0);
        table[byte] = crc;
    }
    return table;
}
constexpr std::array<uint32_t, 256> crc_of_byte = table_of_bytes();

// ---- Protocol Buffers -----------------------------------------------------------------------------------------------

enum WireType : uint32_t { varint = 0, eight_bytes = 1, sized = 2, four_bytes = 5 };

void put_little_endian(std::string& out, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out += char((value >> (8 * i)) & 0xff);
}

void put_varint(std::string& out, uint64_t value) {
    for (; value >= 0x80; value >>= 7) out += char((value & 0x7f) | 0x80);
    out += char(value);
}

void put_key(std::string& out, uint32_t field, WireType type) { put_varint(out, (field << 3) | type); }

void put_sized(std::string& out, uint32_t field, std::string_view bytes) {
    put_key(out, field, sized);
    put_varint(out, bytes.size());
    out += bytes;
}

void put_number(std::string& out, uint32_t field, uint64_t value) {
    put_key(out, field, varint);
    put_varint(out, value);
}

// The fields that every event begins with.
std::string event_at(double wall_time, int64_t step) {
    std::string event;
    if (const auto bits = std::bit_cast<uint64_t>(wall_time); bits != 0) {
        put_key(event, 1, eight_bytes);
        put_little_endian(event, bits, 8);
    }
    if (step != 0) put_number(event, 2, uint64_t(step));
    return event;
}

float to_float(double value) {
    if (std::abs(value) > double(std::numeric_limits<float>::max()))
        return std::copysign(std::numeric_limits<float>::infinity(), float(value > 0 ? 1 : -1));
    return float(value);
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
    uint32_t crc = 0xffffffff;
    for (const char byte : bytes) crc = (crc >> 8) ^ crc_of_byte[(crc ^ uint8_t(byte)) & 0xff];
    return ~crc;
}

uint32_t masked_crc32c(std::string_view bytes) {
    // The CRC of data that contains its own CRC is a constant, so the format stores it rotated and offset.
    return std::rotr(crc32c(bytes), 15) + 0xa282ead8;
}

std::string event_record(std::string_view data) {
    std::string record;
    put_little_endian(record, data.size(), 8);
    put_little_endian(record, masked_crc32c(record), 4);
    record += data;
    put_little_endian(record, masked_crc32c(data), 4);
    return record;
}

std::string version_event(double wall_time) {
    std::string event = event_at(wall_time, 0);
    put_sized(event, 3, "brain.Event:2");
    return event;
}

std::string start_event(double wall_time, int64_t step) {
    std::string session_log;
    put_number(session_log, 1, 1);
    std::string event = event_at(wall_time, step);
    put_sized(event, 7, session_log);
    return event;
}

std::string scalar_event(double wall_time, int64_t step, std::string_view tag, double value) {
    std::string named;
    if (!tag.empty()) put_sized(named, 1, tag);
    put_key(named, 2, four_bytes);
    put_little_endian(named, std::bit_cast<uint32_t>(to_float(value)), 4);
    std::string summary;
    put_sized(summary, 1, named);
    std::string event = event_at(wall_time, step);
    put_sized(event, 5, summary);
    return event;
}

}  // namespace gradus
