#pragma once
// The folders of a run's checkpoints: their names, their order, and how one appears, replaces another or goes, each in
// one step of the file system.
#include <string>
#include <vector>

#include "engine/checkpoint/checkpoint.h"

namespace gradus {

fs::path checkpoints_of(const fs::path& run_folder);
std::string name_of_step(int64_t step);  // "step-00000100"

struct StepFolder {
    int64_t step;
    fs::path path;
};
// Newest first; whole or not.
std::vector<StepFolder> step_folders(const fs::path& run_folder);

// A folder that is being written under a name that no reader looks at. Without publish() nothing is left.
class UnpublishedFolder {
public:
    UnpublishedFolder(const fs::path& run_folder, int64_t step);
    ~UnpublishedFolder();
    UnpublishedFolder(const UnpublishedFolder&) = delete;
    UnpublishedFolder& operator=(const UnpublishedFolder&) = delete;

    const fs::path& path() const { return temporary_; }
    fs::path publish();

private:
    fs::path final_, temporary_;
    bool published_ = false;
};

void point_latest_at(const fs::path& step_folder);
// Of the steps before the fresh one's, and that one, those that stay; damaged checkpoints do not count.
std::vector<int64_t> steps_to_keep(const fs::path& run_folder, const std::vector<int64_t>& before, int64_t fresh,
                                   const Keep&);
// The checkpoints before the fresh one go, but for those of the steps to keep, those that somebody reads
// (engine/checkpoint/hold.h; the next call may find them free) and damaged ones, which a person may want to see.
void remove_older(const fs::path& run_folder, const std::vector<int64_t>& kept, int64_t fresh);
// Those of later steps than this one's, which becomes the latest: of a course that the run has left. One that somebody reads
// loses its name at once and its files later.
void remove_later(const fs::path& run_folder, const fs::path& step_folder);

}  // namespace gradus
