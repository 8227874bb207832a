#include "data/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include "engine/base/error.h"

namespace gradus {

namespace fs = std::filesystem;

namespace {

constexpr size_t buffer_bytes = 256 << 10;
constexpr int max_layers = 8;
constexpr size_t max_chunk = 1 << 30;  // zlib counts in 32 bits

class FileSource final : public ByteSource {
public:
    explicit FileSource(const fs::path& path) : path_(path), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
        if (descriptor_ < 0) throw failed();
    }
    ~FileSource() override { ::close(descriptor_); }

    size_t read(char* buffer, size_t room) override {
        while (true) {
            const ssize_t n = ::read(descriptor_, buffer, std::min(room, max_chunk));
            if (n >= 0) return size_t(n);
            if (errno != EINTR) throw failed();
        }
    }

private:
    Error failed() const {
        return Error("cannot read '" + path_.string() + "'", std::strerror(errno),
                     "check the path and its permissions: ls -l " + path_.string());
    }

    fs::path path_;
    int descriptor_;
};

// A source with a buffer whose content can be inspected before it is consumed.
class Buffered final : public ByteSource {
public:
    explicit Buffered(std::unique_ptr<ByteSource> source) : source_(std::move(source)), buffer_(buffer_bytes) {}

    // At least the next `bytes` bytes; fewer only at the end.
    std::string_view peek(size_t bytes) {
        if (end_ - begin_ < bytes && begin_ > 0) {
            std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
            end_ -= begin_;
            begin_ = 0;
        }
        while (end_ - begin_ < bytes && !ended_) {
            const size_t n = source_->read(buffer_.data() + end_, buffer_.size() - end_);
            ended_ = n == 0;
            end_ += n;
        }
        return {buffer_.data() + begin_, end_ - begin_};
    }
    void take(size_t bytes) {
        begin_ += bytes;
        taken_ += bytes;
    }
    size_t taken() const { return taken_; }

    size_t read(char* buffer, size_t room) override {
        if (begin_ == end_) return source_->read(buffer, room);
        const size_t n = std::min(room, end_ - begin_);
        std::memcpy(buffer, buffer_.data() + begin_, n);
        take(n);
        return n;
    }

private:
    std::unique_ptr<ByteSource> source_;
    std::vector<char> buffer_;
    size_t begin_ = 0, end_ = 0, taken_ = 0;
    bool ended_ = false;
};

Error damaged(const fs::path& path, size_t offset, const std::string& why) {
    return Error("cannot decompress '" + path.string() + "'", why + " at byte " + std::to_string(offset),
                 "download or create the file again, or remove it from the inputs");
}

class GzipSource final : public ByteSource {
public:
    GzipSource(std::unique_ptr<Buffered> in, fs::path path) : in_(std::move(in)), path_(std::move(path)) {
        CHECK(inflateInit2(&stream_, 15 + 16) == Z_OK);  // 15: the largest window, 16: a gzip header
    }
    ~GzipSource() override { inflateEnd(&stream_); }

    size_t read(char* buffer, size_t room) override {
        const uInt asked = uInt(std::min(room, max_chunk));
        stream_.next_out = reinterpret_cast<Bytef*>(buffer);
        stream_.avail_out = asked;
        while (stream_.avail_out == asked && asked > 0 && !ended_) {
            const std::string_view given = in_->peek(1);
            stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(given.data()));
            stream_.avail_in = uInt(given.size());
            const int status = inflate(&stream_, Z_NO_FLUSH);
            in_->take(given.size() - stream_.avail_in);
            if (status == Z_STREAM_END) start_next_member();
            else if (status != Z_OK && status != Z_BUF_ERROR)
                throw damaged(path_, in_->taken(), stream_.msg ? stream_.msg : "the gzip data is damaged");
            else if (given.empty() && stream_.avail_out == asked)
                throw damaged(path_, in_->taken(), "the gzip data is truncated");
        }
        return asked - stream_.avail_out;
    }

private:
    // Members follow each other; tapes and block devices append zero bytes to the last one, which gzip ignores too.
    void start_next_member() {
        const std::string_view next = in_->peek(2);
        if (next.substr(0, 2) == "\x1F\x8B") {
            inflateReset(&stream_);
            return;
        }
        for (std::string_view rest = next; !rest.empty(); in_->take(rest.size()), rest = in_->peek(1))
            if (rest.find_first_not_of('\0') != std::string_view::npos)
                throw damaged(path_, in_->taken(), "the gzip data is followed by other data");
        ended_ = true;
    }

    std::unique_ptr<Buffered> in_;
    fs::path path_;
    z_stream stream_{};
    bool ended_ = false;
};

class ZstdSource final : public ByteSource {
public:
    ZstdSource(std::unique_ptr<Buffered> in, fs::path path, int window_log)
        : in_(std::move(in)), path_(std::move(path)), stream_(ZSTD_createDStream()) {
        CHECK(stream_);
        // Any window that the writer chose (zstd --long=31: 2 GiB). Memory is allocated as the window fills.
        const int most = ZSTD_dParam_getBounds(ZSTD_d_windowLogMax).upperBound;
        const int largest = window_log > 0 ? std::min(window_log, most) : most;
        CHECK(!ZSTD_isError(ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, largest)));
    }
    ~ZstdSource() override { ZSTD_freeDStream(stream_); }

    size_t read(char* buffer, size_t room) override {
        ZSTD_outBuffer out{buffer, room, 0};
        while (out.pos == 0 && room > 0) {
            const std::string_view given = in_->peek(1);
            if (in_frame_ == 0 && given.empty()) return 0;
            ZSTD_inBuffer in{given.data(), given.size(), 0};
            in_frame_ = ZSTD_decompressStream(stream_, &out, &in);
            if (ZSTD_isError(in_frame_)) throw failed();
            in_->take(in.pos);
            if (in.pos == 0 && out.pos == 0 && in_frame_ != 0)
                throw damaged(path_, in_->taken(), "the zstd data is truncated");
        }
        return out.pos;
    }

private:
    Error failed() const {
        if (ZSTD_getErrorCode(in_frame_) != ZSTD_error_memory_allocation)
            return damaged(path_, in_->taken(), ZSTD_getErrorName(in_frame_));
        const std::string name = path_.string();
        return Error("cannot decompress '" + name + "'", "its zstd window needs more memory than this machine has free",
                     "compress it with a smaller window: zstd -dc --long=31 " + name + " | zstd -o smaller-" +
                         path_.filename().string());
    }

    std::unique_ptr<Buffered> in_;
    fs::path path_;
    ZSTD_DStream* stream_;
    size_t in_frame_ = 0;  // zstd's return value: 0 between frames
};

bool is_gzip(std::string_view first) { return first.substr(0, 2) == "\x1F\x8B"; }

// A frame, or a skippable frame (magic 0x184D2A50 … 0x184D2A5F), which pzstd puts before each of its frames.
bool is_zstd(std::string_view first) {
    return first.substr(0, 4) == "\x28\xB5\x2F\xFD" ||
           (first.size() >= 4 && (uint8_t(first[0]) & 0xF0) == 0x50 && first.substr(1, 3) == "\x2A\x4D\x18");
}

bool has_compression_extension(const fs::path& name) {
    std::string ending = name.extension().string();
    for (char& c : ending) c = c >= 'A' && c <= 'Z' ? char(c + 32) : c;
    return ending == ".gz" || ending == ".zst";
}

}  // namespace

fs::path without_compression(const fs::path& name) {
    fs::path rest = name;
    while (has_compression_extension(rest)) rest.replace_extension();
    return rest;
}

std::unique_ptr<ByteSource> decompressed(std::unique_ptr<ByteSource> source, const fs::path& path, int window_log) {
    int layers = 0;
    while (true) {
        auto buffered = std::make_unique<Buffered>(std::move(source));
        const std::string_view first = buffered->peek(4);
        const bool gzip = is_gzip(first), zstd = is_zstd(first);
        if (!gzip && !zstd) {
            source = std::move(buffered);
            break;
        }
        if (++layers > max_layers)
            throw Error("cannot decompress '" + path.string() + "'",
                        "it is compressed more than " + std::to_string(max_layers) + " times",
                        "decompress it by hand, or remove it from the inputs");
        if (gzip) source = std::make_unique<GzipSource>(std::move(buffered), path);
        else source = std::make_unique<ZstdSource>(std::move(buffered), path, window_log);
    }
    fs::path name = path.filename();
    for (int promised = 1; has_compression_extension(name); ++promised, name.replace_extension())
        if (promised > layers)
            throw Error("'" + path.string() + "' is not compressed as its name says",
                        layers == 0 ? "its first bytes are neither those of gzip nor those of zstd"
                                    : "it is compressed " + std::to_string(layers) +
                                          (layers == 1 ? " time, but its name" : " times, but its name") +
                                          " has more compression extensions",
                        "download or create the file again; if it is plain text, rename it: mv " + path.string() + " " +
                            without_compression(path).string());
    return source;
}

std::unique_ptr<ByteSource> open_bytes(const fs::path& path) {
    return decompressed(std::make_unique<FileSource>(path), path);
}

std::string read_bytes(ByteSource& source, size_t limit, bool& complete) {
    std::string bytes;
    size_t used = 0;
    while (used <= limit) {
        if (bytes.size() - used < 1) bytes.resize(std::min(limit + 1, std::max<size_t>(64 << 10, bytes.size() * 2)));
        const size_t n = source.read(bytes.data() + used, bytes.size() - used);
        if (n == 0) break;
        used += n;
    }
    complete = used <= limit;
    bytes.resize(std::min(used, limit));
    return bytes;
}

std::string read_bytes(const fs::path& path, size_t limit, bool& complete) {
    const auto source = open_bytes(path);
    return read_bytes(*source, limit, complete);
}

}  // namespace gradus
