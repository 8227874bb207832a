#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <thread>

#include "data/document_file.h"
#include "data/readers.h"
#include "tests/data/compress.h"
#include "tests/data/temporary_folder.h"

using namespace gradus;

namespace {

std::vector<Document> read_all(const std::vector<fs::path>& inputs, ReadOptions options = {}) {
    DocumentReader reader(inputs, options);
    std::vector<Document> documents;
    for (Document document; reader.next(document);) documents.push_back(document);
    return documents;
}

std::vector<std::string> texts(const std::vector<Document>& documents) {
    std::vector<std::string> result;
    for (const Document& document : documents) result.push_back(document.text);
    return result;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a folder is read in the order of its paths, whatever the file types") {
    const TemporaryFolder folder;
    folder.write("b.txt", "second\r\n");
    folder.write("a/z.jsonl", "{\"text\": \"first\"}\n");
    folder.write("c.html", "<title>no</title><p>third");
    folder.write("ignored.pdf", "%PDF");
    DocumentReader reader({folder});
    Texts found;
    for (Document document; reader.next(document);) found.push_back(document.text);
    REQUIRE(found == Texts{"first", "second\n", "third\n"});
    REQUIRE(reader.list().of_other_kinds() == 1);
    REQUIRE(reader.counts().files == 3);
    REQUIRE(reader.counts().documents == 3);
}

TEST_CASE("a file with several names is read once, and broken links are counted") {
    const TemporaryFolder folder;
    folder.write("a.txt", "text");
    fs::create_symlink(folder / "a.txt", folder / "b.txt");
    fs::create_hard_link(folder / "a.txt", folder / "c.txt");
    fs::create_symlink(folder / "nowhere.txt", folder / "d.txt");
    fs::create_directory_symlink(folder, folder / "loop");
    DocumentReader reader({folder, folder / "b.txt"});
    Document document;
    REQUIRE(reader.next(document));
    REQUIRE(document.source == (folder / "a.txt").string());
    REQUIRE_FALSE(reader.next(document));
    REQUIRE(reader.list().repeated == 3);
    REQUIRE(reader.list().repeated_folders == 1);
    REQUIRE(reader.list().broken_links == 1);
}

TEST_CASE("compressed files give the same documents as uncompressed ones") {
    const TemporaryFolder folder;
    std::string lines;
    for (int i = 0; i < 20000; ++i) lines += "{\"text\": \"line " + std::to_string(i) + " of many\"}\n";
    const auto plain = texts(read_all({folder.write("plain.jsonl", lines)}));
    REQUIRE(plain.size() == 20000);
    REQUIRE(texts(read_all({folder.write("g.jsonl.gz", gzip(lines))})) == plain);
    REQUIRE(texts(read_all({folder.write("z.jsonl.zst", zstandard(lines))})) == plain);
    REQUIRE(texts(read_all({folder.write("p.html.gz", gzip("<p>page"))})) == Texts{"page\n"});
    // Consecutive members and frames are one file.
    const size_t half = lines.find('\n', lines.size() / 2) + 1;
    const std::string_view one = std::string_view(lines).substr(0, half), two = std::string_view(lines).substr(half);
    REQUIRE(texts(read_all({folder.write("gg.jsonl.gz", gzip(one) + gzip(two))})) == plain);
    REQUIRE(texts(read_all({folder.write("zz.jsonl.zst", zstandard(one) + zstandard("") + zstandard(two))})) == plain);
}

TEST_CASE("a truncated or damaged compressed file is an error that names it") {
    const TemporaryFolder folder;
    std::string lines;
    for (int i = 0; i < 2000; ++i) lines += "{\"text\": \"" + std::to_string(i * 7919) + "\"}\n";
    for (const std::string& whole : {gzip(lines), zstandard(lines)}) {
        const std::string name = whole[0] == '\x1F' ? "a.jsonl.gz" : "a.jsonl.zst";
        for (const size_t bytes : {whole.size() - 1, whole.size() / 2, size_t(12)}) {
            const fs::path path = folder.write(name, whole.substr(0, bytes));
            const Error error = error_of([&] { read_all({path}, {"text", 1 << 20}); });
            REQUIRE(std::string(error.what()).find(path.string()) != std::string::npos);
        }
        for (size_t at = 4; at < whole.size(); at += whole.size() / 40) {
            std::string broken = whole;
            broken[at] = char(broken[at] ^ 0x55);
            const fs::path path = folder.write(name, broken);
            try {
                read_all({path}, {"text", 1 << 20});
            } catch (const Error&) {  // both are right: some damage only changes the text
            }
        }
    }
}

TEST_CASE("a malformed line is an error with file, line and column, or is counted") {
    const TemporaryFolder folder;
    const fs::path path =
        folder.write("a.jsonl",
                     "{\"text\": \"one\"}\n\n{\"text\": oops}\n{\"body\": \"x\"}\n[1]\n{\"text\": 5}\n"
                     "{\"text\": \"two\"}");
    const Error error = error_of([&] { read_all({path}); });
    REQUIRE(std::string(error.what()).find("a.jsonl:3:1") != std::string::npos);  // columns 10 to 11, by the parser
    REQUIRE(error.fix.find("gradus data prepare " + path.string() + " --out DIR --max-bad-lines") != std::string::npos);

    ReadOptions some;
    some.max_bad_lines = 4;
    REQUIRE(texts(read_all({path}, some)) == Texts{"one", "two"});
    some.max_bad_lines = 3;
    const Error fourth = error_of([&] { read_all({path}, some); });
    REQUIRE(std::string(fourth.what()).find("a.jsonl:6:") != std::string::npos);

    some.max_bad_lines = 1;
    const Error missing = error_of([&] { read_all({path}, some); });
    REQUIRE(missing.cause.find("\"body\"") != std::string::npos);
    REQUIRE(missing.fix.find("--text-key") != std::string::npos);
    ReadOptions body{"body", 100};
    REQUIRE(texts(read_all({path}, body)) == Texts{"x"});
}

TEST_CASE("ill-formed bytes and lone surrogates in a line become U+FFFD") {
    const TemporaryFolder folder;
    const fs::path path = folder.write("a.jsonl",
                                       "{\"text\": \"a\xFF"
                                       "b\"}\n{\"text\": \"\\ud83d\\ude00 \\ud83d \\\\ud83d \\ude00\"}\n");
    REQUIRE(texts(read_all({path})) == Texts{"a\uFFFD"
                                             "b",
                                             "\U0001F600 \uFFFD \\ud83d \uFFFD"});
}

TEST_CASE("documents above the size limits are dropped, and a line above its limit is malformed") {
    const TemporaryFolder folder;
    ReadOptions options;
    options.max_page_bytes = options.max_text_bytes = options.max_line_bytes = 20;
    folder.write("a.txt", "12345678901234567890");
    folder.write("b.txt", "123456789012345678901");
    folder.write("c.html.gz", gzip("<p>" + std::string(10'000'000, 'x')));
    REQUIRE(read_all({folder}, options).size() == 1);
    folder.write("d.jsonl", "{\"text\": \"" + std::string(3'000'000, 'x') + "\"}\n{\"text\": \"y\"}\n");
    const Error error = error_of([&] { read_all({folder}, options); });
    REQUIRE(std::string(error.what()).find("d.jsonl:1:21") != std::string::npos);
    options.max_bad_lines = 1;
    REQUIRE(read_all({folder}, options).back().text == "y");
}

TEST_CASE("pages and texts have different size limits, and a document of exactly the limit is kept") {
    const TemporaryFolder folder;
    const std::string page = "<p>" + std::string(97, 'x');
    folder.write("a.html", page);
    folder.write("b.txt", std::string(100, 'y'));
    ReadOptions options;
    options.max_page_bytes = 100;
    REQUIRE(texts(read_all({folder}, options)) == Texts{std::string(97, 'x') + "\n", std::string(100, 'y')});
    options.max_page_bytes = 99;
    REQUIRE(texts(read_all({folder}, options)) == Texts{std::string(100, 'y')});
    options.max_page_bytes = options.max_text_bytes = 100;
    REQUIRE(read_all({folder}, options).size() == 2);
    options.max_text_bytes = 99;
    REQUIRE(texts(read_all({folder}, options)) == Texts{std::string(97, 'x') + "\n"});
}

TEST_CASE("a document names its file and line, counting blank lines, from 1 in every file") {
    const TemporaryFolder folder;
    for (const char* name : {"a.jsonl", "b.jsonl"}) folder.write(name, "{\"text\": \"x\"}\n\n \r\n{\"text\": \"y\"}");
    folder.write("c.txt", "z");
    std::vector<std::string> sources;
    for (const Document& document : read_all({folder})) sources.push_back(fs::path(document.source).filename());
    REQUIRE(sources == std::vector<std::string>{"a.jsonl:1", "a.jsonl:4", "b.jsonl:1", "b.jsonl:4", "c.txt"});
}

TEST_CASE("a line of exactly the size limit is complete, and one byte more is too long") {
    const TemporaryFolder folder;
    const std::string line = "{\"text\": \"" + std::string(50, 'x') + "\"}";
    for (const bool ended : {false, true}) {
        const fs::path file = folder.write("a.jsonl", line + (ended ? "\n" : ""));
        ReadOptions options;
        options.max_line_bytes = line.size();
        REQUIRE(texts(read_all({file}, options)) == Texts{std::string(50, 'x')});
        options.max_line_bytes = line.size() - 1;
        REQUIRE(error_of([&] { read_all({file}, options); }).cause.find("longer than") != std::string::npos);
    }
}

TEST_CASE("a byte order mark before a line is ignored, and UTF-16 lines are an error that says so") {
    const TemporaryFolder folder;
    const std::string mark = "\xEF\xBB\xBF", lines = "{\"text\": \"a\"}\n{\"text\": \"" + mark + "b\"}\n";
    REQUIRE(texts(read_all({folder.write("a.jsonl", mark + lines + mark + lines)})) ==
            Texts{"a", mark + "b", "a", mark + "b"});
    for (const char* wide : {"\xFF\xFE{", "\xFE\xFF{"}) {
        const Error error = error_of([&] { read_all({folder.write("w.jsonl", wide + std::string("\n"))}); });
        REQUIRE(error.cause.find("UTF-16") != std::string::npos);
        REQUIRE(error.fix.find("iconv") != std::string::npos);
    }
}

TEST_CASE("inputs that are missing, unknown or empty are errors that say what to do") {
    const TemporaryFolder folder;
    REQUIRE(std::string(error_of([&] { read_all({folder / "absent"}); }).what()).find("absent") != std::string::npos);
    REQUIRE(error_of([&] { read_all({folder.write("a.pdf", "%PDF-1.7")}); }).cause.find(".jsonl") != std::string::npos);
    REQUIRE(error_of([&] { read_all({folder}); }).cause.find("1 file is") != std::string::npos);
    REQUIRE_THROWS_AS(read_all({}), Error);
    REQUIRE(read_all({folder.write("empty.jsonl", "")}).empty());
}

TEST_CASE("documents written as .jsonl.zst are read back byte for byte") {
    const TemporaryFolder folder;
    std::vector<Document> documents;
    for (int i = 0; i < 300; ++i)
        documents.push_back({std::string(size_t(i) * 100, char('a' + i % 26)) + "\"\\/\t\n\x01\x1F é😀\u2028",
                             "s\"" + std::to_string(i)});
    DocumentFile file(folder / "d.jsonl.zst");
    for (const Document& document : documents) file.add(document);
    REQUIRE_FALSE(fs::exists(folder / "d.jsonl.zst"));
    file.commit();
    REQUIRE(texts(read_all({folder / "d.jsonl.zst"})) == texts(documents));
}

TEST_CASE("read_documents returns all documents, or an error that names one without text") {
    const TemporaryFolder folder;
    folder.write("in/a.txt", "one\r\n");
    folder.write("in/b.jsonl", "{\"text\": \"two\"}\n{\"text\": \"\"}\n");
    folder.write("in/c.xyz", "other");
    REQUIRE(texts(read_documents({folder / "in"})) == Texts{"one\n", "two", ""});
    folder.write("in/d.txt", "%PDF-1.7");
    const Error error = error_of([&] { read_documents({folder / "in"}); });
    REQUIRE(std::string(error.what()).find("d.txt") != std::string::npos);
    REQUIRE(error.cause.find("binary") != std::string::npos);
    REQUIRE(error_of([&] {
                read_documents({folder.write("deep.html", [] {
                    std::string page;
                    for (int i = 0; i < 100'000; ++i) page += "<div>";
                    return page;
                }())});
            }).cause.find("nested too deeply") != std::string::npos);
}

TEST_CASE("a pipe is read as text if pipes are allowed") {
    const TemporaryFolder folder;
    const fs::path pipe = folder / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    std::thread writer([&] { std::ofstream(pipe) << gzip("a text"); });
    REQUIRE(texts(read_documents({pipe})) == Texts{"a text"});
    writer.join();
    REQUIRE(error_of([&] { read_all({pipe}); }).cause.find("pipe") != std::string::npos);
}

TEST_CASE("the summary of skipped input has documents by reason, files by kind, links and repetitions") {
    const TemporaryFolder folder;
    folder.write("a.txt", "text");
    folder.write("b.txt", "%PDF-1.7");
    folder.write("c.xyz", "x");
    fs::create_symlink(folder / "a.txt", folder / "d.txt");
    fs::create_symlink(folder / "nowhere.txt", folder / "e.txt");
    DocumentReader reader({folder});
    for (Document document; reader.next(document);) {}
    const std::string kind = (folder / "c.xyz").string();
    REQUIRE(skipped_documents(reader) ==
            "1 document: 1 not_text; 1 file of another kind: 1 .xyz ('" + kind + "'); 1 broken link; 1 repeated file");
    DocumentReader whole({folder / "a.txt"});
    for (Document document; whole.next(document);) {}
    REQUIRE(skipped_documents(whole).empty());
}
