// Files that are whole or absent, and folders that one process holds.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <csignal>

#include "engine/base/error.h"
#include "engine/base/file.h"

using namespace gradus;

namespace {

struct Folder {
    fs::path path = fs::temp_directory_path() / ("gradus-file-" + std::to_string(::getpid()));
    Folder() { fs::create_directories(path); }
    ~Folder() { fs::remove_all(path); }
    size_t entries() const { return size_t(std::distance(fs::directory_iterator(path), fs::directory_iterator{})); }
};

}  // namespace

TEST_CASE("A file that was not committed leaves the old one and no other trace") {
    Folder folder;
    write_file_atomically(folder.path / "a", "old");
    {
        AtomicFile file(folder.path / "a");
        file.write(std::string(3 << 20, 'x'));
    }
    REQUIRE(read_file(folder.path / "a") == "old");
    REQUIRE(folder.entries() == 1);
}

TEST_CASE("A committed file holds all that was written, in order, and the header that was rewritten") {
    Folder folder;
    const std::string large(5'000'001, 'y');
    {
        AtomicFile file(folder.path / "a");
        file.write("HEAD");
        file.write(large);
        file.seek(0);
        file.write("head");
        file.commit();
    }
    REQUIRE(read_file(folder.path / "a") == "head" + large);
    const MappedFile mapped(folder.path / "a");
    REQUIRE(mapped.text() == "head" + large);
    REQUIRE(folder.entries() == 1);
}

TEST_CASE("A disk that is full leaves the old file, and the Error names the new one") {
    Folder folder;
    write_file_atomically(folder.path / "a", "old");
    const pid_t child = ::fork();
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit = {1 << 20, 1 << 20};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        int status = 1;
        try {
            write_file_atomically(folder.path / "a", std::string(4 << 20, 'x'));
        } catch (const Error& e) {
            status = std::string(e.what()).find((folder.path / "a").string()) != std::string::npos ? 0 : 2;
        }
        ::_exit(status);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    REQUIRE(status == 0);
    REQUIRE(read_file(folder.path / "a") == "old");
    REQUIRE(folder.entries() == 1);
}

TEST_CASE("Files that cannot be read are Errors that name them") {
    Folder folder;
    for (const fs::path& path : {folder.path / "absent", folder.path}) {
        REQUIRE_THROWS_AS(read_file(path), Error);
        REQUIRE_THROWS_AS(MappedFile(path), Error);
    }
    REQUIRE_THROWS_AS(AtomicFile(folder.path / "no" / "such"), Error);
    write_file_atomically(folder.path / "empty", "");
    REQUIRE(MappedFile(folder.path / "empty").size() == 0);
}

TEST_CASE("A folder is held by one at a time and free again afterwards") {
    Folder folder;
    {
        const FolderLock lock(folder.path);
        REQUIRE_THROWS_AS(FolderLock(folder.path), Error);
    }
    REQUIRE_NOTHROW(FolderLock(folder.path));
}

TEST_CASE("What killed processes left half-written is removed; what runs, and what people named, stays") {
    Folder folder;
    const pid_t gone = ::fork();
    if (gone == 0) ::_exit(0);
    ::waitpid(gone, nullptr, 0);
    const std::string dead = std::to_string(gone), alive = std::to_string(::getppid());
    for (const std::string& name : {"train.bin.tmp" + dead, "train.bin.tmp" + alive, "notes.tmp" + dead + "a",
                                    std::string("notes.tmp"), ".tmp" + dead, std::string("train.bin")})
        write_file_atomically(folder.path / name, "x");
    fs::create_directory(folder.path / ("folder.tmp" + dead));
    remove_stale_temporaries(folder.path);
    REQUIRE_FALSE(fs::exists(folder.path / ("train.bin.tmp" + dead)));
    REQUIRE(folder.entries() == 6);
    remove_stale_temporaries(folder.path / "absent");
}
