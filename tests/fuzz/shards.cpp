// A shard: u16 bytes of the .idx, of the .bin and of the .meta.json (0: none), then these three, then the .checksums.
#include <stdlib.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <string_view>

#include "data/loader.h"
#include "engine/base/error.h"

using namespace gradus;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

struct Folder {
    fs::path path;
    Folder() {
        std::string name = (fs::temp_directory_path() / "gradus-fuzz-").string() + std::string(6, 'X');
        require(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    void write(const char* name, std::string_view content) const {
        std::ofstream(path / name, std::ios::binary).write(content.data(), std::streamsize(content.size()));
    }
};

void load(const Loader& loader, int T) {
    const auto count = int(std::min<int64_t>(loader.windows_in_order(), 3));
    std::vector<int32_t> tokens(size_t(count * T)), targets(tokens), positions(tokens), first_key(tokens);
    for (const bool in_order : {false, true}) {
        if (in_order) loader.fill_in_order(0, count, tokens.data(), targets.data(), positions.data(), first_key.data());
        else loader.fill(5, count, tokens.data(), targets.data(), positions.data(), first_key.data());
        for (size_t i = 0; i < tokens.size(); ++i) {
            const auto t = int32_t(i % size_t(T));
            require(tokens[i] >= 0 && targets[i] >= -1);
            if (loader.vocab_size() > 0) require(tokens[i] < loader.vocab_size() && targets[i] < loader.vocab_size());
            require(first_key[i] >= 0 && first_key[i] <= t && positions[i] == t - first_key[i]);
            require(t == 0 || first_key[i] >= first_key[i - 1]);
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const Folder folder;
    if (size < 6) return 0;
    std::string_view rest(reinterpret_cast<const char*>(data) + 6, size - 6);
    const char* const names[] = {"a.idx", "a.bin", "a.meta.json"};
    fs::remove(folder.path / "a.meta.json");
    for (int i = 0; i < 3; ++i) {
        uint16_t length;
        std::memcpy(&length, data + 2 * i, sizeof length);
        const std::string_view part = rest.substr(0, length);
        rest.remove_prefix(part.size());
        if (i < 2 || !part.empty()) folder.write(names[i], part);
    }
    folder.write("a.checksums", rest);
    try {
        const Shard shard(folder.path / "a");
        int64_t tokens = 0;
        for (int64_t d = 0; d < shard.documents(); ++d) {
            const Shard::Span span = shard.document(d);
            require(span.begin >= 0 && span.length >= 0);
            tokens += span.length;
            // Sequences may overlap, so a small file can hold many tokens: they are not all copied.
            std::vector<int32_t> ids(size_t(std::min<int64_t>(span.length, 1000)));
            try {
                shard.copy(span.begin, int64_t(ids.size()), ids.data());
                for (const int32_t id : ids) require(id >= 0);
            } catch (const Error&) {}
        }
        require(tokens == shard.tokens());
        for (const Packing packing : {Packing::masked, Packing::plain})
            for (const int T : {1, 5}) load(Loader({folder.path / "a"}, {T, 3, packing}), T);
    } catch (const Error&) {}
    return 0;
}
