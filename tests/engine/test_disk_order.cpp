// The order of a save's calls to the disk, which decides what a power cut or a kill leaves.
#include <catch2/catch.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <map>

#include "engine/checkpoint/folders.h"
#include "tests/engine/checkpoint_testing.h"
#include "tests/engine/disk_calls.h"

using namespace gradus;
using namespace gradus::testing;

namespace {

bool is_below(const std::string& path, const std::string& folder) { return path.starts_with(folder + "/"); }

std::string parent(const std::string& path) { return fs::path(path).parent_path().string(); }

// What is not yet flushed: contents of files, and entries of folders.
class Unsynced {
public:
    void note(const DiskCall& c) {
        switch (c.kind) {
            case DiskCall::write: dirty_.insert({c.path, "its content"}); break;
            case DiskCall::sync: dirty_.erase(c.path); break;
            case DiskCall::remove: break;
            case DiskCall::rename: {
                std::map<std::string, std::string> moved;
                for (const auto& [path, what] : dirty_) {
                    const bool goes = path == c.path || is_below(path, c.path);
                    moved.insert({goes ? c.to + path.substr(c.path.size()) : path, what});
                }
                dirty_ = std::move(moved);
                dirty_.insert({parent(c.to), "the entry of " + c.to});
            }
        }
    }
    // For the file or folder, or anything in it.
    std::string in(const std::string& path) const {
        std::string all;
        for (const auto& [dirty, what] : dirty_)
            if (dirty == path || is_below(dirty, path)) all += dirty + ": " + what + "\n";
        return all;
    }

private:
    std::map<std::string, std::string> dirty_;
};

}  // namespace

TEST_CASE("a file is flushed before it is renamed, and its folder before the write returns") {
    const TemporaryFolder folder;
    const std::string path = (folder / "file").string();
    std::vector<std::string> order;
    {
        const WatchedDisk disk([&](const DiskCall& c) {
            constexpr const char* names[] = {"write ", "sync ", "rename ", "remove "};
            order.push_back(names[c.kind] + fs::path(c.path).filename().string());
        });
        write_file_atomically(path, "content");
    }
    const std::string temporary = "file.tmp" + std::to_string(::getpid());
    REQUIRE(order == std::vector<std::string>{"write " + temporary, "sync " + temporary, "rename " + temporary,
                                              "sync " + folder.path().filename().string()});
}

TEST_CASE(
    "a checkpoint is flushed with every file and folder before it is renamed, and its name before "
    "latest") {
    for (bool no_exchange : {false, true}) {
        const TemporaryFolder run;
        const std::string checkpoints = (run / "checkpoints").string();
        Trained t(tiny_gpt2(), DType::bf16);
        for (int64_t step : {1, 2, 2}) {  // the last one replaces the previous one
            t.fill(uint64_t(step));
            Unsynced disk;
            int published = 0, pointed = 0;
            std::string problem;
            {
                const WatchedDisk watched(
                    [&](const DiskCall& c) {
                        if (c.kind == DiskCall::rename && parent(c.path) == checkpoints) {
                            const bool writes = fs::path(c.path).filename().string().find(".tmp-") != std::string::npos;
                            if (fs::path(c.to).filename() == "latest") {
                                ++pointed;
                                problem += disk.in(checkpoints);
                            } else if (writes) {
                                ++published;
                                problem += disk.in(c.path);
                            }
                        }
                        disk.note(c);
                    },
                    no_exchange);
                save_checkpoint(run.path(), *t.model, t.optimizer, {.step = step},
                                {.tokenizer_json = "{}", .shard_limit = 1500});
            }
            INFO(step);
            REQUIRE(published == 1);
            REQUIRE(pointed == 1);
            REQUIRE(problem == "");
            REQUIRE(disk.in(checkpoints) == "");
        }
    }
}

TEST_CASE("a kill before any call of a save leaves a complete checkpoint of that step, the old or the new one") {
    for (bool no_exchange : {false, true}) {
        const TemporaryFolder run;
        Trained t(tiny_gpt2(), DType::f32), loaded(tiny_gpt2(), DType::f32);
        std::string bits[2];
        for (uint64_t seed : {1, 2}) {
            t.fill(seed);
            bits[seed - 1] = t.bits();
        }
        int64_t old = 0, fresh = 0;
        for (int last = 0;; ++last) {
            t.fill(1);
            save_checkpoint(run.path(), *t.model, t.optimizer, {.step = 3});
            const pid_t child = ::fork();
            REQUIRE(child >= 0);
            if (child == 0) {
                t.fill(2);
                int calls = 0;
                const WatchedDisk watched(
                    [&](const DiskCall&) {
                        if (calls++ == last) ::_exit(9);
                    },
                    no_exchange);
                save_checkpoint(run.path(), *t.model, t.optimizer, {.step = 3});
                ::_exit(0);
            }
            int status = 0;
            REQUIRE(::waitpid(child, &status, 0) == child);
            REQUIRE(WIFEXITED(status));
            INFO("killed before call " << last);
            remove_leftovers(run.path());
            const LatestCheckpoint latest = latest_checkpoint(run.path(), VerifyLevel::all);
            REQUIRE(latest.folder == run / "checkpoints" / "step-00000003");
            load_checkpoint(*latest.folder, *loaded.model, loaded.optimizer);
            const std::string found = loaded.bits();
            REQUIRE((found == bits[0] || found == bits[1]));
            (found == bits[0] ? old : fresh) += 1;
            REQUIRE(names_in(run / "checkpoints") == std::vector<std::string>{"latest", "step-00000003"});
            if (WEXITSTATUS(status) == 0) break;
        }
        REQUIRE(old > 10);
        REQUIRE(fresh > 5);
    }
}
