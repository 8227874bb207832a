#pragma once
// The folders of a run's checkpoints: their names and order, and how one is published, replaced or removed, each by one
// atomic operation of the file system.
#include <string>
#include <vector>

#include "engine/base/new_folder.h"
#include "engine/checkpoint/checkpoint.h"

namespace gradus {

fs::path checkpoints_of(const fs::path& run_folder);
std::string name_of_step(int64_t step);  // "step-00000100"

struct StepFolder {
    int64_t step;
    fs::path path;
};
// All of them, newest first, complete or not.
std::vector<StepFolder> step_folders(const fs::path& run_folder);

// The folder of a checkpoint that is being written, under a hidden name.
class NewCheckpoint {
public:
    NewCheckpoint(const fs::path& run_folder, int64_t step);

    const fs::path& path() const { return folder_.path(); }
    // Renames the folder and returns its path; an older checkpoint of the same step is removed. Without publish()
    // nothing is left.
    fs::path publish();

private:
    fs::path final_;
    NewFolder folder_;
};

// `latest` becomes a link to that checkpoint, and `best` one to the best one, if it is kept and there.
void point_links_at(const fs::path& run_folder, const fs::path& step_folder, const BestValidation&);
// The steps whose checkpoints are kept: `fresh`, the new one, and some of `before`. Damaged checkpoints do not count.
std::vector<int64_t> steps_to_keep(const fs::path& run_folder, const std::vector<int64_t>& before, int64_t fresh,
                                   const Keep&);
// Those steps, the best one if it is kept, and what the manifests of those steps say is the best one: after a rollback it is
// that of the run. In ascending order.
std::vector<int64_t> with_best(const fs::path& run_folder, const std::vector<int64_t>& kept, const BestValidation&);
// Removes the checkpoints before the new one, except the kept steps, those that are being read
// (engine/checkpoint/read_lock.h; the next call may remove them) and damaged ones, which the user may want to inspect.
void remove_older(const fs::path& run_folder, const std::vector<int64_t>& kept, int64_t fresh);
// After a rollback: removes the checkpoints of later steps than this one, which becomes the latest; `best` is the best one then.
// One that is being read is renamed at once, and its files are removed later.
void remove_later(const fs::path& run_folder, const fs::path& step_folder, const BestValidation& best);

}  // namespace gradus
