#include "engine/checkpoint/folders.h"

#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "engine/base/error.h"
#include "engine/base/log.h"
#include "engine/base/write_error.h"
#include "engine/checkpoint/read_lock.h"

namespace gradus {

namespace {

// Hidden names, which readers ignore: ".step-00000100.tmp-123" of process 123; the middle part is the purpose.
constexpr std::string_view writing = ".tmp-";        // a checkpoint that is not complete
constexpr std::string_view replaced = ".replaced-";  // the old checkpoint of that step, while the new one is renamed
constexpr std::string_view removing = ".removed-";   // an old one that is being removed

fs::path hidden(const fs::path& step_folder, std::string_view purpose) {
    std::string name = ".";
    name.append(step_folder.filename().string()).append(purpose).append(std::to_string(::getpid()));
    return step_folder.parent_path() / name;
}

void rename_folder(const fs::path& from, const fs::path& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) throw write_error(to, errno, "cannot rename a checkpoint to");
}

// A folder that is being read stays under its hidden name until a later remove_leftovers().
void remove_hidden(const fs::path& folder) {
    const RemovalLock lock(folder);
    std::error_code ignored;
    if (!lock.is_read()) fs::remove_all(folder, ignored);
}

bool digits(std::string_view text) {
    return !text.empty() && text.size() <= 18 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

fs::path checkpoints_of(const fs::path& run_folder) { return run_folder / "checkpoints"; }

std::string name_of_step(int64_t step) {
    char name[40];
    std::snprintf(name, sizeof name, "step-%08lld", static_cast<long long>(step));
    return name;
}

std::vector<StepFolder> step_folders(const fs::path& run_folder) {
    std::vector<StepFolder> all;
    std::error_code end;
    for (fs::directory_iterator at(checkpoints_of(run_folder), end), last; !end && at != last; at.increment(end)) {
        const std::string name = at->path().filename().string();
        std::error_code ignored;
        if (name.rfind("step-", 0) != 0 || !digits(std::string_view(name).substr(5)) || !at->is_directory(ignored))
            continue;
        const int64_t step = std::stoll(name.substr(5));
        if (name == name_of_step(step)) all.push_back({step, at->path()});
    }
    std::sort(all.begin(), all.end(), [](const StepFolder& a, const StepFolder& b) { return a.step > b.step; });
    return all;
}

namespace {

// The path of a step's checkpoint; creates its parent folder.
fs::path place_of(const fs::path& run_folder, int64_t step) {
    const fs::path folder = checkpoints_of(run_folder);
    std::error_code problem;
    if (fs::create_directories(folder, problem)) sync_folder(run_folder);
    if (problem) throw write_error(folder, problem.value(), "cannot create the folder");
    return folder / name_of_step(step);
}

}  // namespace

NewCheckpoint::NewCheckpoint(const fs::path& run_folder, int64_t step)
    : final_(place_of(run_folder, step)), folder_(final_, hidden(final_, writing)) {}

fs::path NewCheckpoint::publish() {
    if (const auto old = folder_.publish_over(hidden(final_, replaced))) remove_hidden(*old);
    return final_;
}

namespace {

// Renames a folder that has the link's name (a copy by cp -L, for example), so that its content is kept.
void move_aside(const fs::path& link) {
    std::error_code problem;
    const fs::file_status found = fs::symlink_status(link, problem);
    if (!fs::exists(found) || fs::is_symlink(found)) return;
    fs::path aside = link.string() + ".copy";
    for (int i = 2; fs::exists(fs::symlink_status(aside, problem)); ++i)
        aside = link.string() + ".copy" + std::to_string(i);
    rename_folder(link, aside);
    note("'" + link.string() + "' was not a link to a checkpoint; it is now '" + aside.string() + "'");
}

}  // namespace

namespace {

void point(const fs::path& link, const fs::path& step_folder) {
    const fs::path fresh = hidden(link, writing);
    ::unlink(fresh.c_str());
    if (::symlink(step_folder.filename().c_str(), fresh.c_str()) != 0) {
        // A file system without links: the program finds checkpoints by their names and does not need the link.
        if (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS) return;
        throw write_error(link, errno, "cannot create the link");
    }
    move_aside(link);
    if (::rename(fresh.c_str(), link.c_str()) != 0) {
        const int problem = errno;
        ::unlink(fresh.c_str());
        throw write_error(link, problem, "cannot create the link");
    }
    sync_folder(link.parent_path());
}

}  // namespace

void point_links_at(const fs::path& run_folder, const fs::path& step_folder, const BestValidation& best) {
    const fs::path folder = checkpoints_of(run_folder), link = folder / "best",
                   target = folder / name_of_step(best.step);
    point(folder / "latest", step_folder);
    std::error_code ignored;
    if (best.kept && fs::is_directory(target, ignored)) point(link, target);
    else if (fs::is_symlink(fs::symlink_status(link, ignored))) ::unlink(link.c_str());
}

namespace {

// Renames it first, so that a folder named step-… is always complete. A folder that cannot be removed stays.
void remove_step(const fs::path& step_folder, bool though_read) {
    const fs::path going = hidden(step_folder, removing);
    {
        const RemovalLock lock(step_folder);
        if (lock.is_read() && !though_read) return;
        std::error_code ignored;
        fs::remove_all(going, ignored);  // an earlier one of the same step that was being read
        if (::rename(step_folder.c_str(), going.c_str()) != 0) return;
    }
    remove_hidden(going);
}

}  // namespace

std::vector<int64_t> steps_to_keep(const fs::path& run_folder, const std::vector<int64_t>& before, int64_t fresh,
                                   const Keep& keep) {
    CHECK(keep.last >= 1, "the newest checkpoint always stays");
    std::vector<int64_t> kept = {fresh};
    int newest = 1;
    for (auto step = before.rbegin(); step != before.rend(); ++step) {
        const bool counts =
            newest < keep.last && what_is_missing(checkpoints_of(run_folder) / name_of_step(*step)).empty();
        newest += counts;
        if (counts || (keep.every > 0 && *step % keep.every == 0)) kept.push_back(*step);
    }
    std::reverse(kept.begin(), kept.end());
    return kept;
}

std::vector<int64_t> with_best(const fs::path& run_folder, const std::vector<int64_t>& kept,
                               const BestValidation& best) {
    std::vector<int64_t> all = kept;
    const auto add = [&](const BestValidation& b) {
        if (b.kept) all.push_back(b.step);
    };
    add(best);
    for (const int64_t step : kept) {
        const fs::path folder = checkpoints_of(run_folder) / name_of_step(step);
        if (what_is_missing(folder).empty()) add(read_manifest(folder).state.best);
    }
    std::sort(all.begin(), all.end());
    return all;
}

void remove_older(const fs::path& run_folder, const std::vector<int64_t>& kept, int64_t fresh) {
    for (const StepFolder& f : step_folders(run_folder))
        if (f.step < fresh && !std::binary_search(kept.begin(), kept.end(), f.step) && what_is_missing(f.path).empty())
            remove_step(f.path, false);
}

void remove_later(const fs::path& run_folder, const fs::path& step_folder, const BestValidation& best) {
    point_links_at(run_folder, step_folder, best);
    for (const StepFolder& f : step_folders(run_folder)) {
        if (f.path.filename() == step_folder.filename()) return;  // newest first
        remove_step(f.path, true);
    }
}

void remove_leftovers(const fs::path& run_folder) {
    std::vector<fs::path> all;
    std::error_code end;
    for (fs::directory_iterator at(checkpoints_of(run_folder), end), last; !end && at != last; at.increment(end))
        all.push_back(at->path());
    for (const fs::path& path : all) {
        const std::string name = path.filename().string();
        for (std::string_view purpose : {writing, replaced, removing}) {
            const size_t middle = name.find(purpose);
            if (name[0] != '.' || middle == std::string::npos ||
                is_running(std::string_view(name).substr(middle + purpose.size())))
                continue;
            const std::string owner = name.substr(1, middle - 1);  // "step-00000100", "latest" or "best"
            if (owner != "latest" && owner != "best" &&
                (owner.rfind("step-", 0) != 0 || !digits(std::string_view(owner).substr(5))))
                continue;
            std::error_code ignored;
            if (purpose == replaced && !fs::exists(path.parent_path() / owner, ignored))
                fs::rename(path, path.parent_path() / owner, ignored);
            else remove_hidden(path);
        }
    }
}

}  // namespace gradus
