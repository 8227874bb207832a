// What a person reads where a write is refused: advice that fits the reason.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstring>
#include <set>

#include "engine/base/log.h"
#include "engine/base/write_error.h"
#include "tests/base/limits.h"

using namespace gradus;
using namespace gradus::test;

namespace {

struct Folder {
    fs::path path = fs::temp_directory_path() / ("gradus-write-" + std::to_string(::getpid()));
    Folder() { fs::create_directories(path); }
    ~Folder() { fs::remove_all(path); }
};

template <class Body>
std::string error_text(Body&& body) {
    try {
        body();
    } catch (const Error& e) { return e.text(); }
    return "nothing was refused";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("Space is advised where a disk or a quota is full and nowhere else") {
    std::set<std::string> advice;
    for (const int problem : {ENOSPC, EDQUOT, EROFS, EFBIG, EACCES, EPERM, EMFILE, ENFILE, ENAMETOOLONG, ENOENT,
                              ENOTDIR, EISDIR, EEXIST, ENOTEMPTY, ELOOP, EIO, ESTALE, EINVAL}) {
        const Error e = write_error("/tmp/run/log.jsonl", problem);
        INFO(e.text());
        REQUIRE(std::string(e.what()) == "cannot write '/tmp/run/log.jsonl'");
        REQUIRE(has(e.cause, std::strerror(problem)));
        REQUIRE(has(e.cause, "are free on that disk") == (problem == ENOSPC));
        REQUIRE(has(e.fix, "space") == (problem == ENOSPC));
        advice.insert(e.fix);
    }
    REQUIRE(advice.size() == 16);  // EPERM has that of EACCES, ENOTEMPTY that of EEXIST
}

TEST_CASE("Advice is a thing to type that names the folder or the limit") {
    REQUIRE(has(advice_on_writing(ENOSPC, "/tmp/x"), "df -h /tmp"));
    REQUIRE(has(advice_on_writing(EFBIG, "/tmp/x"), "ulimit -f unlimited"));
    REQUIRE(has(advice_on_writing(EMFILE, "/tmp/x"), "ulimit -n"));
    REQUIRE(has(advice_on_writing(EROFS, "/tmp/x"), "read-only"));
    REQUIRE(has(advice_on_writing(EACCES, "/tmp/absent/x"), "ls -ld /tmp"));
    REQUIRE(has(advice_on_writing(ENOENT, "/tmp/absent/x"), "mkdir -p /tmp/absent"));
    REQUIRE(has(advice_on_writing(EACCES, "x"), "ls -ld ."));
}

TEST_CASE("Advice names no folder that is gone when a person reads it") {
    Folder run;
    const fs::path inside = run.path / ".step-00000001.tmp-7" / "gradus";
    fs::create_directories(inside);
    fs::create_directories(run.path / "DST.tmp123");
    for (const fs::path& file : {inside / "x", inside.parent_path() / "x", run.path / "DST.tmp123" / "x"}) {
        REQUIRE(has(advice_on_writing(ENOSPC, file), "df -h " + run.path.string() + ","));
        REQUIRE(has(advice_on_writing(EROFS, file), "'" + run.path.string() + "'"));
    }
    const fs::path of_a_person = run.path / "mine.tmp-old";
    fs::create_directories(of_a_person);
    REQUIRE(has(advice_on_writing(EACCES, of_a_person / "x"), "ls -ld " + of_a_person.string()));
}

TEST_CASE("Each writer gives the advice that fits what the system said") {
    Folder folder;
    const fs::path file = folder.path / "file", inside = file / "x", far = folder.path / "no" / "such";
    const fs::path long_name = folder.path / std::string(300, 'n');
    write_file_atomically(file, "x");
    for (const auto& [path, advice] :
         {std::pair{inside, "a part of this one is a file"}, {far, "mkdir -p"}, {long_name, "a shorter name"}}) {
        INFO(path.string());
        REQUIRE(has(error_text([&] { write_file_atomically(path, "y"); }), advice));
        REQUIRE(has(error_text([&] { JsonLines(path, 0); }), advice));
        if (path != far) REQUIRE(has(error_text([&] { make_folder(path); }), advice));
    }
    REQUIRE(has(error_text([&] { FolderLock(folder.path / "absent"); }), "mkdir -p"));
    REQUIRE(has(error_text([&] { make_folder(file); }), "remove the existing file or folder"));

    const Heard too_large = in_a_child([&] {
        limit(RLIMIT_FSIZE, 100);
        write_file_atomically(folder.path / "large", std::string(1000, 'x'));
    });
    REQUIRE(too_large.status == 1);
    const Heard said = in_a_child([&] {
        limit(RLIMIT_FSIZE, 100);
        tell(error_text([&] { write_file_atomically(folder.path / "large", std::string(1000, 'x')); }));
        limit(RLIMIT_NOFILE, 3);
        tell(error_text([&] { write_file_atomically(folder.path / "another", "x"); }));
    });
    REQUIRE(said.status == 0);
    INFO(said.text);
    REQUIRE(has(said.text, "ulimit -f unlimited"));
    REQUIRE(has(said.text, "ulimit -n 4096"));
    REQUIRE_FALSE(has(said.text, "space"));
}
