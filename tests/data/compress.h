#pragma once
// Compresses bytes for tests.
#include <zlib.h>
#include <zstd.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/error.h"

namespace gradus {

inline std::string gzip(std::string_view text) {
    std::string out(compressBound(uLong(text.size())) + 64, '\0');
    z_stream stream{};
    CHECK(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = uInt(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = uInt(out.size());
    CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(out.size() - stream.avail_out);
    deflateEnd(&stream);
    return out;
}

inline std::string zstandard(std::string_view text) {
    std::string out(ZSTD_compressBound(text.size()), '\0');
    out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 1));
    return out;
}

// RFC 8878, 3.1.2: a magic number of 0x184D2A50 + which, a length, and that many arbitrary bytes.
inline std::string skippable_frame(int which, std::string_view content) {
    std::string frame = {char(0x50 + which), '\x2A', '\x4D', '\x18'};
    for (int shift = 0; shift < 32; shift += 8) frame += char(uint32_t(content.size()) >> shift & 0xFF);
    return frame.append(content);
}

}  // namespace gradus
