#include "data/byte_source.h"

#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <cstring>

#include "engine/base/error.h"
#include "engine/base/file.h"

namespace gradus {

namespace {

constexpr size_t most_at_once = 1 << 30;  // zlib counts in 32 bits

Error damaged(const MappedFile& file, size_t offset, const std::string& why) {
    return Error("cannot decompress '" + file.path().string() + "'",
                 why + " at byte " + std::to_string(offset) + " of " + std::to_string(file.size()),
                 "fetch or make that file again, or leave it out of the inputs");
}

class PlainSource final : public ByteSource {
public:
    explicit PlainSource(MappedFile file) : file_(std::move(file)) {}

    size_t read(char* buffer, size_t room) override {
        const size_t n = std::min(room, file_.size() - at_);
        if (n > 0) std::memcpy(buffer, file_.data() + at_, n);
        at_ += n;
        return n;
    }

private:
    MappedFile file_;
    size_t at_ = 0;
};

class GzipSource final : public ByteSource {
public:
    explicit GzipSource(MappedFile file) : file_(std::move(file)) {
        CHECK(inflateInit2(&stream_, 15 + 16) == Z_OK);  // 15: the largest window, 16: a gzip header
    }
    ~GzipSource() override { inflateEnd(&stream_); }

    size_t read(char* buffer, size_t room) override {
        const uInt asked = uInt(std::min(room, most_at_once));
        stream_.next_out = reinterpret_cast<Bytef*>(buffer);
        stream_.avail_out = asked;
        while (stream_.avail_out == asked && !ended_) {
            stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(file_.data() + at_));
            stream_.avail_in = uInt(std::min(file_.size() - at_, most_at_once));
            const uInt given = stream_.avail_in;
            const int status = inflate(&stream_, Z_NO_FLUSH);
            at_ += given - stream_.avail_in;
            if (status == Z_STREAM_END) {
                start_next_member();
            } else if (status != Z_OK && status != Z_BUF_ERROR) {
                throw damaged(file_, at_, stream_.msg ? stream_.msg : "the gzip data is damaged");
            } else if (at_ == file_.size() && stream_.avail_out == asked) {
                throw damaged(file_, at_, "the gzip data ends in the middle");
            }
        }
        return asked - stream_.avail_out;
    }

private:
    // Members follow each other; what is not a member after the last one is padding, which gzip ignores too.
    void start_next_member() {
        const bool another =
            file_.size() - at_ >= 2 && file_.data()[at_] == std::byte{0x1F} && file_.data()[at_ + 1] == std::byte{0x8B};
        ended_ = !another;
        if (another) inflateReset(&stream_);
    }

    MappedFile file_;
    z_stream stream_{};
    size_t at_ = 0;
    bool ended_ = false;
};

class ZstdSource final : public ByteSource {
public:
    explicit ZstdSource(MappedFile file) : file_(std::move(file)), stream_(ZSTD_createDStream()) {
        CHECK(stream_);
        // Whatever window the writer chose (zstd --long=31: 2 GiB). Memory is taken as the window fills.
        const int largest = ZSTD_dParam_getBounds(ZSTD_d_windowLogMax).upperBound;
        CHECK(!ZSTD_isError(ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, largest)));
    }
    ~ZstdSource() override { ZSTD_freeDStream(stream_); }

    size_t read(char* buffer, size_t room) override {
        ZSTD_outBuffer out{buffer, room, 0};
        while (out.pos == 0 && room > 0) {
            if (in_frame_ == 0 && at_ == file_.size()) return 0;
            ZSTD_inBuffer in{file_.data(), file_.size(), at_};
            in_frame_ = ZSTD_decompressStream(stream_, &out, &in);
            if (ZSTD_isError(in_frame_)) throw failed();
            const bool stuck = in.pos == at_ && out.pos == 0;
            at_ = in.pos;
            if (stuck && in_frame_ != 0) throw damaged(file_, at_, "the zstd data ends in the middle");
        }
        return out.pos;
    }

private:
    Error failed() const {
        if (ZSTD_getErrorCode(in_frame_) != ZSTD_error_memory_allocation)
            return damaged(file_, at_, ZSTD_getErrorName(in_frame_));
        const std::string name = file_.path().string();
        return Error("cannot decompress '" + name + "'", "its zstd window needs more memory than this machine has free",
                     "compress it with a smaller one: zstd -dc --long=31 " + name + " | zstd -o smaller-" +
                         file_.path().filename().string());
    }

    MappedFile file_;
    ZSTD_DStream* stream_;
    size_t at_ = 0;
    size_t in_frame_ = 0;  // zstd's own measure: 0 between frames
};

bool starts_with(const MappedFile& file, std::initializer_list<unsigned char> magic) {
    return file.size() >= magic.size() && std::memcmp(file.data(), magic.begin(), magic.size()) == 0;
}

}  // namespace

std::unique_ptr<ByteSource> open_bytes(const std::filesystem::path& path) {
    MappedFile file(path);
    if (starts_with(file, {0x1F, 0x8B})) return std::make_unique<GzipSource>(std::move(file));
    if (starts_with(file, {0x28, 0xB5, 0x2F, 0xFD})) return std::make_unique<ZstdSource>(std::move(file));
    return std::make_unique<PlainSource>(std::move(file));
}

std::string read_bytes(const std::filesystem::path& path, size_t limit, bool& whole) {
    const auto source = open_bytes(path);
    std::string bytes;
    size_t used = 0;
    while (used <= limit) {
        if (bytes.size() - used < 1) bytes.resize(std::min(limit + 1, std::max<size_t>(64 << 10, bytes.size() * 2)));
        const size_t n = source->read(bytes.data() + used, bytes.size() - used);
        if (n == 0) break;
        used += n;
    }
    whole = used <= limit;
    bytes.resize(std::min(used, limit));
    return bytes;
}

}  // namespace gradus
