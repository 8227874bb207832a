#include <sys/stat.h>
#include <zstd.h>
#include <catch2/catch.hpp>

#include "data/readers.h"
#include "tests/data/temporary_folder.h"

using namespace gradus;

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the case of an extension does not matter") {
    REQUIRE(kind_of("A.TXT") == FileKind::text);
    REQUIRE(kind_of("page.Html.GZ") == FileKind::html);
    REQUIRE(kind_of("lines.JSONL.zst") == FileKind::jsonl);
    REQUIRE_FALSE(kind_of("A.TXT.PDF").has_value());
}

TEST_CASE("a pipe is refused as an input and skipped in a folder") {
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
    REQUIRE(list.of_other_kinds() == 2);
}

TEST_CASE("if all links are broken, the error names one of them") {
    const TemporaryFolder folder;
    fs::create_symlink(folder / "nowhere", folder / "a.txt");
    fs::create_symlink(folder / "nowhere", folder / "b.txt");
    const Error error = error_of([&] { list_files({folder}); });
    REQUIRE(contains(error.cause, "2 links are broken, the first is '" + (folder / "a.txt").string() + "'"));
    REQUIRE_FALSE(contains(error.cause, "0 files"));
}

TEST_CASE("messages use singular and plural correctly") {
    const TemporaryFolder folder;
    folder.write("a.pdf", "x");
    REQUIRE(contains(error_of([&] { list_files({folder}); }).cause, "1 file is there"));
    folder.write("b.pdf", "x");
    REQUIRE(contains(error_of([&] { list_files({folder}); }).cause, "2 files are there"));
}

TEST_CASE("text files with known extensions are read, and a file given as an input may have any name") {
    const TemporaryFolder folder;
    for (const char* name : {"in/a.md", "in/b.PY", "in/c.cpp.gz.zst", "in/d.rst", "in/e.ndjson", "in/f.tex"})
        folder.write(name, "x");
    REQUIRE(list_files({folder / "in"}).files.size() == 6);
    for (const std::string text : {"notes", "caf\xC3\xA9", "caf\xE9 au lait", "\xFF\xFEn", "", "\x1B$B%\x1B(B"}) {
        const FileList list = list_files({folder.write("named/README", text), folder.write("named/a.csv", text)});
        REQUIRE(list.files.size() == 2);
        REQUIRE(list.files[0].kind == FileKind::text);
    }
    for (const std::string& other :
         {std::string("%PDF-1.4 text"), std::string("nul\0", 4), std::string("\1\2\3\4", 4)}) {
        const Error error = error_of([&] { list_files({folder.write("named/other.bin", other)}); });
        REQUIRE(contains(error.what(), "other.bin"));
    }
}

TEST_CASE("the kinds of skipped files are listed, with an example of each") {
    const TemporaryFolder folder;
    folder.write("a.txt", "x");
    folder.write("b.pdf", "x");
    folder.write("c/d.PDF", "x");
    folder.write("e.json.gz", "x");
    folder.write("Makefile", "x");
    const FileList list = list_files({folder});
    REQUIRE(list.of_other_kinds() == 4);
    REQUIRE(list.other_kinds.at(".pdf").files == 2);
    REQUIRE(list.other_kinds.at(".pdf").example == (folder / "b.pdf").string());
    REQUIRE(list.other_kinds.at(".json.gz").files == 1);
    REQUIRE(list.other_kinds.at("without ending").example == (folder / "Makefile").string());
    REQUIRE(contains(text_of(list.other_kinds), "2 .pdf ('" + (folder / "b.pdf").string() + "'), 1 "));
    for (int i = 0; i < 1000; ++i) folder.write("many/a.x" + std::to_string(i), "");
    REQUIRE(list_files({folder}).other_kinds.size() <= 201);
}

TEST_CASE("links to folders are followed, each real folder once, even if they form cycles") {
    const TemporaryFolder folder;
    folder.write("in/a.txt", "a");
    folder.write("in/deep/b.txt", "b");
    folder.write("elsewhere/c.txt", "c");
    folder.write("elsewhere/sub/d.txt", "d");
    fs::create_directory_symlink(folder / "elsewhere", folder / "in/link");
    fs::create_directory_symlink(folder / "elsewhere/sub", folder / "in/sub");
    fs::create_directory_symlink(folder / "in", folder / "in/deep/circle");
    fs::create_directory_symlink(folder / "in", folder / "elsewhere/circle");
    fs::create_directory_symlink(folder / "in/self", folder / "in/self");
    const FileList list = list_files({folder / "in"});
    REQUIRE(list.files.size() == 4);
    REQUIRE(list.files[0].path == folder / "in/a.txt");
    REQUIRE(list.files[1].path == folder / "in/deep/b.txt");
    REQUIRE(list.files[2].path == folder / "in/link/c.txt");
    REQUIRE(list.files[3].path == folder / "in/link/sub/d.txt");
    REQUIRE(list.repeated_folders == 3);  // in/deep/circle, in/link/circle, in/sub
    REQUIRE(list.broken_links == 1);      // in/self
    REQUIRE(list.repeated == 0);
}

TEST_CASE("zstd's largest window is read") {
    // A hand-made frame (RFC 8878, 3.1.1): its header requests a window of 2^31 bytes; one raw block with five bytes.
    const TemporaryFolder folder;
    const fs::path path = folder.write("a.txt.zst", std::string("\x28\xB5\x2F\xFD\x00\xA8\x29\x00\x00", 9) + "hello");
    DocumentReader reader({path});
    Document document;
    REQUIRE(reader.next(document));
    REQUIRE(document.text == "hello");
}
