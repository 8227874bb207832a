#include <sys/stat.h>
#include <zstd.h>
#include <catch2/catch.hpp>

#include "data/readers.h"
#include "tests/data/temporary_folder.h"

using namespace gradus;

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the case of an ending does not matter") {
    REQUIRE(kind_of("A.TXT") == FileKind::text);
    REQUIRE(kind_of("page.Html.GZ") == FileKind::html);
    REQUIRE(kind_of("lines.JSONL.zst") == FileKind::jsonl);
    REQUIRE_FALSE(kind_of("A.TXT.PDF").has_value());
}

TEST_CASE("a pipe is refused when it is named and left alone where it is found") {
    const TemporaryFolder folder;
    const fs::path pipe = folder / "pipe.txt";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    folder.write("in/a.txt", "text");
    REQUIRE(::mkfifo((folder / "in/pipe.txt").c_str(), 0600) == 0);
    fs::create_symlink(pipe, folder / "in/link.txt");
    const Error error = error_of([&] { list_files({pipe}); });
    REQUIRE(contains(error.what(), "pipe.txt"));
    REQUIRE(contains(error.cause, "pipe"));
    const FileList list = list_files({folder / "in"});
    REQUIRE(list.files.size() == 1);
    REQUIRE(list.of_other_kinds == 2);
}

TEST_CASE("where every link leads nowhere, the error names one") {
    const TemporaryFolder folder;
    fs::create_symlink(folder / "nowhere", folder / "a.txt");
    fs::create_symlink(folder / "nowhere", folder / "b.txt");
    const Error error = error_of([&] { list_files({folder}); });
    REQUIRE(contains(error.cause, "2 links lead nowhere, the first is '" + (folder / "a.txt").string() + "'"));
    REQUIRE_FALSE(contains(error.cause, "0 files"));
}

TEST_CASE("one is one file, and two are two files") {
    const TemporaryFolder folder;
    folder.write("a.pdf", "x");
    REQUIRE(contains(error_of([&] { list_files({folder}); }).cause, "1 file is there"));
    folder.write("b.pdf", "x");
    REQUIRE(contains(error_of([&] { list_files({folder}); }).cause, "2 files are there"));
}

TEST_CASE("zstd's largest window is read") {
    // A frame by hand (RFC 8878, 3.1.1): its header asks for a window of 2^31 bytes; one raw block with five bytes.
    const TemporaryFolder folder;
    const fs::path path = folder.write("a.txt.zst", std::string("\x28\xB5\x2F\xFD\x00\xA8\x29\x00\x00", 9) + "hello");
    DocumentReader reader({path});
    Document document;
    REQUIRE(reader.next(document));
    REQUIRE(document.text == "hello");
}
