#include "tools/ranks.h"

#include <omp.h>

#include <algorithm>
#include <span>
#include <thread>

#include <fmt/format.h>

#include "engine/base/first_difference.h"
#include "engine/checkpoint/checksum.h"
#include "tools/cli.h"
#include "tools/ending.h"

namespace gradus {

std::string from_first(const Comm& all, const std::string& mine) { return all.gather(all.rank == 0 ? mine : "")[0]; }

void require_agreement(const MpiWorld& world, const std::vector<MustAgree>& all) {
    for (const MustAgree& m : all) {
        const std::vector<std::string> texts = world.all().gather(m.text);
        for (size_t r = 1; r < texts.size(); ++r) {
            if (texts[r] == texts[0]) continue;
            const auto [here, there] = first_difference(texts[0], texts[r]);
            throw Error(fmt::format("rank {} on '{}' has another {} than rank 0 on '{}'", r, world.host(int(r)), m.what,
                                    world.host(0)),
                        fmt::format("rank 0: {}; rank {}: {}", here, r, there), m.fix);
        }
    }
}

std::string program_identity() {
    std::error_code problem;
    const fs::path self = fs::read_symlink("/proc/self/exe", problem);
    if (problem) return std::string("gradus ") + version;
    const MappedFile file(self);
    return fmt::format("gradus {}, checksum {}", version, hexadecimal(checksum_of(file.text())));
}

void use_threads_of_rank(const MpiWorld& world, int asked) {
    if (asked == 0 && world.local_size() > 1) {
        // If a launcher binds each rank to cores of its own, the affinity shows it.
        const int seen = omp_get_num_procs(), cores = int(std::thread::hardware_concurrency());
        asked = std::max(1, seen < cores ? seen : cores / world.local_size());
    }
    use_threads(asked);
}

void end_all_ranks(const MpiWorld& world) {
    const Ending ending = ending_of(std::current_exception());
    world.fail(ending.error, ending.status);
}

}  // namespace gradus
