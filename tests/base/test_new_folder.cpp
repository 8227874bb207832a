#include <unistd.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/new_folder.h"

using namespace gradus;

namespace {

struct Work {
    fs::path path = fs::temp_directory_path() / ("gradus-new-folder-" + std::to_string(::getpid()));

    Work() { fs::create_directories(path); }
    ~Work() { fs::remove_all(path); }
    std::vector<std::string> names() const {
        std::vector<std::string> all;
        for (const fs::directory_entry& e : fs::directory_iterator(path)) all.push_back(e.path().filename().string());
        return all;
    }
};

}  // namespace

TEST_CASE("A folder appears with all of its files when it is published, and leaves nothing when it is not") {
    const Work work;
    const fs::path path = work.path / "model", temporary = temporary_name(path);
    {
        NewFolder folder(path, temporary);
        write_file_atomically(folder.path() / "a", "half");
        REQUIRE_FALSE(fs::exists(path));
    }
    REQUIRE(work.names().empty());
    {
        NewFolder folder(path, temporary);
        write_file_atomically(folder.path() / "a", "whole");
        folder.publish();
    }
    REQUIRE(work.names() == std::vector<std::string>{"model"});
    REQUIRE(read_file(path / "a") == "whole");
}

TEST_CASE("A folder takes the name of an empty one, not of one with files, which stays") {
    const Work work;
    const fs::path path = work.path / "model";
    fs::create_directory(path);
    {
        NewFolder folder(path, temporary_name(path));
        write_file_atomically(folder.path() / "a", "first");
        folder.publish();
    }
    NewFolder folder(path, temporary_name(path));
    REQUIRE_THROWS_AS(folder.publish(), Error);
    REQUIRE(read_file(path / "a") == "first");
}

TEST_CASE("A folder published over another one tells where the old one is") {
    const Work work;
    const fs::path path = work.path / "model", temporary = temporary_name(path), aside = work.path / "aside";
    for (const char* text : {"first", "second"}) {
        NewFolder folder(path, temporary);
        write_file_atomically(folder.path() / "a", text);
        const auto old = folder.publish_over(aside);
        REQUIRE(read_file(path / "a") == text);
        REQUIRE(old.has_value() == (std::string(text) == "second"));
        if (!old) continue;
        REQUIRE((*old == temporary || *old == aside));
        REQUIRE(read_file(*old / "a") == "first");
    }
}

TEST_CASE("What a killed process left of one name is removed, files and folders, and nothing of another name") {
    const Work work;
    constexpr const char* no_process = "2147483646";
    const fs::path path = work.path / "model";
    fs::create_directories(path.string() + ".tmp" + no_process + "/inside");
    for (const std::string& name :
         {std::string("model.bin.tmp") + no_process, std::string("model.tmp-kept"), std::string("model")})
        write_file_atomically(work.path / name, "x");
    remove_stale_temporaries_of(path);
    std::vector<std::string> names = work.names();
    std::sort(names.begin(), names.end());
    REQUIRE(names == std::vector<std::string>{"model", std::string("model.bin.tmp") + no_process, "model.tmp-kept"});
}
