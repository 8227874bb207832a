// Compressed files. The first byte chooses the name; the bytes are the same whatever the sizes of the reads.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "data/byte_source.h"
#include "engine/base/error.h"

using namespace gradus;

namespace {

constexpr size_t most = 1 << 20;
constexpr int window_log = 23;  // so that a frame of nothing does not ask for 2 GiB

class Memory final : public ByteSource {
public:
    Memory(std::string_view bytes, size_t at_once) : bytes_(bytes), at_once_(at_once) {}
    size_t read(char* buffer, size_t room) override {
        const size_t n = std::min({room, at_once_, bytes_.size()});
        if (n > 0) std::memcpy(buffer, bytes_.data(), n);
        bytes_.remove_prefix(n);
        return n;
    }

private:
    std::string_view bytes_;
    size_t at_once_;
};

struct Outcome {
    std::string bytes, error;
    bool operator==(const Outcome&) const = default;
};

Outcome read(std::string_view bytes, const char* name, size_t at_once, size_t room) {
    Outcome outcome;
    try {
        const auto source = decompressed(std::make_unique<Memory>(bytes, at_once), name, window_log);
        std::string buffer(room, '\0');
        while (outcome.bytes.size() < most) {
            const size_t n = source->read(buffer.data(), room);
            if (n > room) std::abort();
            if (n == 0) break;
            outcome.bytes.append(buffer, 0, n);
        }
        outcome.bytes.resize(std::min(outcome.bytes.size(), most));
    } catch (const Error& error) { outcome.error = error.what(); }
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static constexpr const char* names[] = {"a.txt", "a.gz", "a.zst", "a.zst.gz", "a.gz.gz"};
    if (size == 0) return 0;
    const char* name = names[data[0] % 5];
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const Outcome whole = read(bytes, name, 1 << 20, 1 << 16), parts = read(bytes, name, 7, 997);
    // Which of two errors comes first may depend on the sizes, and one behind the last byte that is read is not met.
    if (whole.error.empty() != parts.error.empty() && std::max(whole.bytes.size(), parts.bytes.size()) < most)
        std::abort();
    if (whole.error.empty() && parts.error.empty() && whole.bytes != parts.bytes) std::abort();
    const bool compressed =
        bytes.substr(0, 2) == "\x1F\x8B" || bytes.substr(0, 4) == "\x28\xB5\x2F\xFD" ||
        (bytes.size() >= 4 && (uint8_t(bytes[0]) & 0xF0) == 0x50 && bytes.substr(1, 3) == "\x2A\x4D\x18");
    if (!compressed && data[0] % 5 != 0 && whole.error.empty()) std::abort();
    if (!compressed && data[0] % 5 == 0 && whole.bytes != bytes.substr(0, most)) std::abort();
    return 0;
}
