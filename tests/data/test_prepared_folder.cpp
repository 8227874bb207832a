// A prepared folder: what is refused, what is kept after a failure, and that all output can be read back.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "data/document_file.h"
#include "data/json_line.h"
#include "data/prepare.h"
#include "data/prepared_folder.h"
#include "data/shards.h"
#include "tests/data/compress.h"
#include "tests/data/temporary_folder.h"

using namespace gradus;

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TokenizerUse byte_tokenizer(const fs::path& file) {
    auto encode = [](std::string_view text, std::vector<int32_t>& ids) {
        for (const char c : text) ids.push_back(uint8_t(c));
    };
    return {encode, 257, 256, file};
}

PrepareOptions options_for(const fs::path& out) {
    PrepareOptions options;
    options.out = out;
    options.val_fraction = 0.2;
    options.threads = 2;
    return options;
}

fs::path write_corpus(const TemporaryFolder& folder, const std::string& last = "") {
    std::string lines;
    for (int i = 0; i < 100; ++i)
        lines += "{\"text\": \"Document number " + std::to_string(i) +
                 " has enough words in it to be kept by a filter" + (i == 99 ? last : "") + ".\"}\n";
    return folder.write("corpus.jsonl", lines);
}

nlohmann::json report_in(const fs::path& folder) { return nlohmann::json::parse(read_file(report_of(folder))); }

}  // namespace

TEST_CASE("every written document can be read back, however long its line is") {
    // A .txt may have more bytes than a line of a .jsonl input.
    const ReadOptions usual;
    REQUIRE(fits_json_line(std::string(1000, '"'), "", 2 * 1000 + 32));
    REQUIRE(usual.max_prepared_line_bytes >= 2 * usual.max_text_bytes + (1 << 20));

    const TemporaryFolder folder;
    const TokenizerUse tokenizer = byte_tokenizer(folder.write("tokenizer.json", "{}"));
    PrepareOptions options = options_for(folder / "out");
    options.split = SplitRule::tail;
    options.read.max_line_bytes = 100;
    options.read.max_text_bytes = 1000;
    options.read.max_prepared_line_bytes = 2300;
    folder.write("in/letters.txt", std::string(1000, 'x'));
    folder.write("in/quotes.txt", std::string(1000, '"'));
    folder.write("in/controls.txt", std::string(900, '\x1B'));  // 6 bytes each in JSON
    folder.write("in/foreign.txt",
                 std::string(900, '\xE9') + "\x81\x8D\x90" + std::string(50, 'a'));  // 2 each in UTF-8
    const PrepareReport report = prepare({folder / "in"}, options, &tokenizer);
    REQUIRE(report.dropped == std::map<std::string, int64_t>{{"too_large", 2}});
    REQUIRE(report.train.documents + report.val.documents == 3);  // the split cuts one of them
    REQUIRE(report.train.tokens + report.val.tokens == 2000 + 3);

    DocumentReader reader({folder / "out/train.jsonl.zst"}, options.read);
    int documents = 0;
    for (Document document; reader.next(document);) ++documents;
    REQUIRE(documents == int(report.train.documents));
    fs::copy_file(folder / "out/train.jsonl.zst", folder / "foreign.jsonl.zst");
    const Error error = error_of([&] {
        DocumentReader foreign({folder / "foreign.jsonl.zst"}, options.read);
        for (Document document; foreign.next(document);) {}
    });
    REQUIRE(contains(error.cause, "longer than 100 bytes"));
}

TEST_CASE("the length of a line is predicted exactly") {
    const std::string source = "a\x01.txt";
    for (const std::string text : {"", "plain", "\"\\\n\t\r", "\x01\x1F", "é東😀"}) {
        for (const std::string& more : {text, text + text + text + std::string(100, 'x')}) {
            std::string line;
            append_json_line(line, more, source);
            REQUIRE(fits_json_line(more, source, line.size() + 40));
            REQUIRE_FALSE(fits_json_line(more, source, line.size() - 3));
        }
    }
    REQUIRE_FALSE(fits_json_line("", "", 5));
}

TEST_CASE("a document that cannot be tokenized is named, and the text need not be read again") {
    const TemporaryFolder folder;
    TokenizerUse tokenizer = byte_tokenizer(folder.write("tokenizer.json", "{}"));
    const fs::path corpus = write_corpus(folder, " #");
    const auto good = tokenizer.encode_append;
    tokenizer.encode_append = [&](std::string_view text, std::vector<int32_t>& ids) {
        if (text.find('#') != std::string_view::npos) throw Error("character '#' is unknown", "a cause", "a fix");
        good(text, ids);
    };
    const Error error = error_of([&] { prepare({corpus}, options_for(folder / "out"), &tokenizer); });
    REQUIRE(contains(error.what(), ".jsonl.zst:"));
    REQUIRE(contains(error.what(), "character '#' is unknown"));
    REQUIRE(error.fix == "a fix");
    REQUIRE(is_prepared(folder / "out"));
    REQUIRE(report_in(folder / "out")["train"]["tokens"] == 0);
    REQUIRE_FALSE(has_shard(folder / "out/val"));

    fs::remove(corpus);
    tokenizer.encode_append = good;
    const PrepareReport report = prepare({folder / "out"}, options_for(folder / "out"), &tokenizer);
    REQUIRE(report.train.documents + report.val.documents == 100);
    REQUIRE(report_in(folder / "out")["train"]["tokens"] == report.train.tokens);
    REQUIRE(report.train.tokens > 0);
}

TEST_CASE("preparing a folder again without a tokenizer keeps its shards, and the report counts them") {
    const TemporaryFolder folder;
    const TokenizerUse tokenizer = byte_tokenizer(folder.write("tokenizer.json", "{}"));
    const PrepareReport first = prepare({write_corpus(folder)}, options_for(folder / "out"), &tokenizer);
    const PrepareReport second = prepare({folder / "out"}, options_for(folder / "out"));
    REQUIRE(has_shard(folder / "out/train"));
    REQUIRE(second.train.tokens == first.train.tokens);
    REQUIRE(report_in(folder / "out")["val"]["tokens"] == first.val.tokens);
    // A copy has only the documents, and a removed shard is not counted.
    REQUIRE(prepare({folder / "out"}, options_for(folder / "copy")).train.tokens == 0);
    remove_shard(folder / "out/val");
    const PrepareReport third = prepare({folder / "out"}, options_for(folder / "out"));
    REQUIRE(third.train.tokens == first.train.tokens);
    REQUIRE(third.val.tokens == 0);
}

TEST_CASE("a file that the command would write is refused as an input") {
    const TemporaryFolder folder;
    prepare({write_corpus(folder)}, options_for(folder / "out"));
    const std::string before = read_file(folder / "out/train.jsonl.zst");
    const Error error = error_of([&] { prepare({folder / "out/train.jsonl.zst"}, options_for(folder / "out")); });
    REQUIRE(contains(error.what(), "train.jsonl.zst"));
    REQUIRE(contains(error.fix, "--out"));
    fs::create_directory(folder / "links");
    fs::create_symlink(folder / "out/val.jsonl.zst", folder / "links/innocent.jsonl");
    REQUIRE(contains(error_of([&] { prepare({folder / "links"}, options_for(folder / "out")); }).what(), "innocent"));
    REQUIRE(read_file(folder / "out/train.jsonl.zst") == before);
    REQUIRE(is_prepared(folder / "out"));
    PrepareOptions elsewhere = options_for(folder / "other");  // in another folder it is an ordinary input
    elsewhere.val_fraction = 0;
    REQUIRE(prepare({folder / "out/train.jsonl.zst"}, elsewhere).train.documents > 0);
}

TEST_CASE("partial files of a killed run are removed when the folder is prepared again") {
    const TemporaryFolder folder;
    folder.write("out/train.jsonl.zst.tmp999999999", "half");
    folder.write("out/notes.tmp", "mine");
    prepare({write_corpus(folder)}, options_for(folder / "out"));
    REQUIRE_FALSE(fs::exists(folder / "out/train.jsonl.zst.tmp999999999"));
    REQUIRE(fs::exists(folder / "out/notes.tmp"));
}

TEST_CASE("a damaged line of a prepared folder is an error with a command as its fix") {
    const TemporaryFolder folder;
    const TokenizerUse tokenizer = byte_tokenizer(folder.write("tokenizer.json", "{}"));
    prepare({write_corpus(folder)}, options_for(folder / "out"));
    folder.write("out/train.jsonl.zst", zstandard("{oops}\n"));
    const Error error = error_of([&] { prepare({folder / "out"}, options_for(folder / "out"), &tokenizer); });
    REQUIRE(contains(error.what(), "train.jsonl.zst:1:2"));
    REQUIRE(contains(error.fix, "gradus data prepare TEXTS --out"));
    REQUIRE_FALSE(contains(error.fix, "--max-bad-lines"));
}

TEST_CASE("a report nested a million levels deep is refused without a crash") {
    const TemporaryFolder folder;
    prepare({write_corpus(folder)}, options_for(folder / "out"));
    const std::string open(1'000'000, '['), closed(1'000'000, ']');
    folder.write("out/report.json", "{\"format\": \"gradus data prepare 1\", \"train\": " + open + closed + "}");
    REQUIRE(prepare({folder / "out"}, options_for(folder / "out")).train.documents == 0);
}
