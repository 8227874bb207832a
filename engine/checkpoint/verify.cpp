#include "engine/checkpoint/verify.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "engine/base/error.h"
#include "engine/base/progress.h"

namespace gradus {

namespace {

constexpr size_t bytes_at_once = 1 << 20;

struct Block {
    size_t file;  // of the manifest's
    uint64_t first, bytes, checksum;
};

bool is_verified(const std::string& name, VerifyLevel level) {
    switch (level) {
        case VerifyLevel::sizes: return false;
        case VerifyLevel::config: return name == "config.json";
        case VerifyLevel::model: return !name.starts_with("gradus/");
        case VerifyLevel::all: return true;
    }
    return true;
}

std::vector<Block> blocks_of(const Manifest& m, VerifyLevel level) {
    std::vector<Block> all;
    for (size_t i = 0; i < m.files.size(); ++i) {
        const StoredFile& f = m.files[i];
        if (!is_verified(f.name, level)) continue;
        if (f.blocks.empty()) all.push_back({i, 0, f.bytes, f.checksum});
        for (size_t b = 0; b < f.blocks.size(); ++b) {
            const uint64_t first = uint64_t(b) * f.block;
            all.push_back({i, first, std::min(f.block, f.bytes - first), f.blocks[b]});
        }
    }
    return all;
}

class Descriptor {
public:
    explicit Descriptor(const fs::path& path) : number(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
    ~Descriptor() {
        if (number >= 0) ::close(number);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    const int number;
};

std::string problem_of_reading() { return std::string("it cannot be read: ") + std::strerror(errno); }

// What is wrong with a block; empty: nothing.
std::string damage_of(const fs::path& folder, const StoredFile& f, const Block& block) {
    const Descriptor file(folder / f.name);
    struct stat info {};
    if (file.number < 0 || ::fstat(file.number, &info) != 0) return problem_of_reading();
    if (uint64_t(info.st_size) != f.bytes)
        return "it has " + std::to_string(info.st_size) + " bytes instead of " + std::to_string(f.bytes);
    const auto buffer = std::make_unique_for_overwrite<char[]>(bytes_at_once);
    const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> sum(XXH3_createState(), XXH3_freeState);
    if (!sum) throw std::bad_alloc();
    XXH3_64bits_reset(sum.get());
    for (uint64_t done = 0; done < block.bytes;) {
        const ssize_t n = ::pread(file.number, buffer.get(), std::min<uint64_t>(bytes_at_once, block.bytes - done),
                                  off_t(block.first + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return problem_of_reading();
        if (n == 0) return "it became shorter while it was read";
        XXH3_64bits_update(sum.get(), buffer.get(), size_t(n));
        add_progress(uint64_t(n));
        done += uint64_t(n);
    }
    return XXH3_64bits_digest(sum.get()) == block.checksum ? ""
                                                           : "it was edited or damaged: its checksum does not match";
}

}  // namespace

Damage find_damage(const fs::path& folder, const Manifest& m, VerifyLevel level, const Comm& all) {
    const std::vector<Block> blocks = blocks_of(m, level);
    size_t first = m.files.size();  // damaged file of those that this rank has read
    std::string cause;
    std::exception_ptr failure;
#pragma omp parallel for schedule(dynamic, 1)
    for (size_t i = size_t(all.rank); i < blocks.size(); i += size_t(all.size)) {
        try {
            const std::string found = damage_of(folder, m.files[blocks[i].file], blocks[i]);
#pragma omp critical(damage_of_a_checkpoint)
            if (!found.empty() && blocks[i].file < first) {
                first = blocks[i].file;
                cause = found;
            }
        } catch (...) {
#pragma omp critical(damage_of_a_checkpoint)
            failure = std::current_exception();
        }
    }
    if (failure) std::rethrow_exception(failure);
    for (const std::string& theirs : all.gather(std::to_string(first) + " " + cause)) {
        const size_t space = theirs.find(' '), file = size_t(std::stoull(theirs));
        if (file > first || space == std::string::npos || space + 1 == theirs.size()) continue;
        first = file;
        cause = theirs.substr(space + 1);
    }
    return cause.empty() ? Damage{} : Damage{m.files[first].name, cause};
}

void verify_files(const fs::path& folder, const Manifest& m, const Comm& all) {
    if (const Damage damage = find_damage(folder, m, VerifyLevel::all, all))
        throw Error("'" + (folder / damage.file).string() + "' has changed since it was saved", damage.cause,
                    "use an older checkpoint of the same run, or a copy of this one");
}

}  // namespace gradus
