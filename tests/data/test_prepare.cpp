#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <set>

#include "data/ordered_parallel.h"
#include "data/prepare.h"
#include "data/shards.h"
#include "tests/data/temporary_folder.h"

using namespace gradus;

namespace {

const char* const outputs[] = {"train.jsonl.zst", "val.jsonl.zst", "train.bin",       "train.idx",
                               "val.bin",         "val.idx",       "train.meta.json", "val.meta.json",
                               "train.checksums", "val.checksums"};

// One id per byte, and 256 for end-of-text.
TokenizerUse byte_tokenizer(const fs::path& file) {
    auto encode = [](std::string_view text, std::vector<int32_t>& ids) {
        for (const char c : text) ids.push_back(uint8_t(c));
    };
    return {encode, 257, 256, file};
}

std::vector<std::string> texts_of(const fs::path& file) {
    DocumentReader reader({file});
    std::vector<std::string> texts;
    for (Document document; reader.next(document);) texts.push_back(document.text);
    return texts;
}

std::string sentence(int i) {
    return "Document number " + std::to_string(i) +
           " has enough words in it to be kept by a filter on the length of texts.";
}

fs::path write_corpus(const TemporaryFolder& folder, int documents) {
    std::string lines;
    for (int i = 0; i < documents; ++i) lines += "{\"text\": \"" + sentence(i) + "\"}\n";
    return folder.write("corpus.jsonl", lines);
}

PrepareOptions options_for(const fs::path& out) {
    PrepareOptions options;
    options.out = out;
    options.val_fraction = 0.2;
    options.threads = 3;
    return options;
}

}  // namespace

TEST_CASE("dropped documents are counted by reason, and the first of repeated documents is kept") {
    const TemporaryFolder folder;
    std::string lines;
    for (int i = 0; i < 100; ++i) lines += "{\"text\": \"" + sentence(i) + "\"}\n";
    lines += "{\"text\": \"  " + sentence(3) + "\\n\\n\"}\n{\"text\": \"short\"}\n{\"text\": \"  \"}\n";
    folder.write("in/corpus.jsonl", lines);
    folder.write("in/deep.html", [] {
        std::string divs;
        for (int i = 0; i < 50'000; ++i) divs += "<div>";
        return divs;
    }());
    folder.write("in/other.bin", "");
    const PrepareReport report = prepare({folder / "in"}, options_for(folder / "out"));
    REQUIRE(report.documents == 104);
    REQUIRE(report.dropped ==
            std::map<std::string, int64_t>{{"nested_too_deeply", 1}, {"repeated", 1}, {"too_short", 2}});
    REQUIRE(report.train.documents + report.val.documents == 100);
    REQUIRE(report.train.bytes + report.val.bytes > 0);
    REQUIRE(report.other_kinds.at(".bin").files == 1);
    std::multiset<std::string> kept;
    for (const char* name : {"train.jsonl.zst", "val.jsonl.zst"})
        for (const std::string& text : texts_of(folder / "out" / name)) kept.insert(text);
    for (int i = 0; i < 100; ++i) REQUIRE(kept.count(sentence(i)) == 1);

    const auto json = nlohmann::json::parse(read_file(folder / "out/report.json"));
    REQUIRE(json["documents"] == 104);
    REQUIRE(json["dropped"]["too_short"] == 2);
    REQUIRE(json["other_files"] == 1);
    REQUIRE(json["other_kinds"][".bin"]["example"] == (folder / "in/other.bin").string());
    REQUIRE(json["train"]["documents"] == report.train.documents);
}

TEST_CASE("the minimum length ignores surrounding white space, and a document of exactly that length is kept") {
    const TemporaryFolder folder;
    const std::string enough(10, 'x'), short_of(9, 'y'), spaces(50, ' ');
    folder.write("in/corpus.jsonl", "{\"text\": \"" + spaces + short_of + "\\n\\n\"}\n{\"text\": \"" + enough +
                                        "\"}\n{\"text\": \"" + spaces + "\"}\n");
    PrepareOptions options = options_for(folder / "out");
    options.val_fraction = 0;
    options.min_bytes = 10;
    REQUIRE(prepare({folder / "in"}, options).dropped.at("too_short") == 2);
    REQUIRE(texts_of(folder / "out/train.jsonl.zst") == std::vector<std::string>{enough});
    options.min_bytes = 0;
    REQUIRE(prepare({folder / "in"}, options).dropped.at("too_short") == 1);  // only white space: not a document
}

TEST_CASE("the result does not depend on the number of threads") {
    const TemporaryFolder folder;
    const fs::path corpus = write_corpus(folder, 20'000);
    const TokenizerUse tokenizer = byte_tokenizer(folder.write("tokenizer.json", "{}"));
    for (const int threads : {1, 2, 7}) {
        PrepareOptions options = options_for(folder / ("out" + std::to_string(threads)));
        options.threads = threads;
        prepare({corpus}, options, &tokenizer);
        for (const char* name : outputs) REQUIRE(read_file(folder / "out1" / name) == read_file(options.out / name));
    }
}

TEST_CASE(
    "a document is in the same split whatever else is in the corpus, and splits have about the requested fractions") {
    const TemporaryFolder folder;
    prepare({write_corpus(folder, 1000)}, options_for(folder / "small"));
    prepare({write_corpus(folder, 3000)}, options_for(folder / "large"));
    const auto small = texts_of(folder / "small/val.jsonl.zst"), large = texts_of(folder / "large/val.jsonl.zst");
    const std::set<std::string> in_large(large.begin(), large.end());
    for (const std::string& text : small) REQUIRE(in_large.count(text) == 1);
    REQUIRE(large.size() > 500);
    REQUIRE(large.size() < 700);
}

TEST_CASE("the hash split never changes, so that no model is validated on its training text") {
    const TemporaryFolder folder;
    prepare({write_corpus(folder, 60)}, options_for(folder / "out"));
    std::vector<std::string> expected;
    for (const int i : {3, 5, 6, 12, 15, 18, 22, 26, 43, 47, 48}) expected.push_back(sentence(i));
    REQUIRE(texts_of(folder / "out/val.jsonl.zst") == expected);
}

TEST_CASE("a single document is split by its tail unless the split by documents is requested") {
    const TemporaryFolder folder;
    PrepareOptions options = options_for(folder / "out");
    options.val_fraction = 0.1;
    std::string text;
    for (int i = 0; i < 1000; ++i) text += "abcdefghi\n";
    const fs::path one = folder.write("one.txt", text);
    const PrepareReport report = prepare({one}, options);
    REQUIRE(report.split == SplitRule::tail);
    REQUIRE(report.documents == 1);
    REQUIRE(report.train.bytes == 9000);
    REQUIRE(report.val.bytes == 1000);
    REQUIRE(texts_of(folder / "out/train.jsonl.zst")[0] + texts_of(folder / "out/val.jsonl.zst")[0] == text);
    REQUIRE(nlohmann::json::parse(read_file(folder / "out/report.json"))["split"] == "tail");

    options.may_fall_back = false;
    REQUIRE(error_of([&] { prepare({one}, options); }).fix.find("--split tail") != std::string::npos);
    // The existing output is unchanged, and a text that cannot be split is an error.
    REQUIRE(texts_of(folder / "out/val.jsonl.zst").size() == 1);
    options.may_fall_back = true;
    options.min_bytes = 1;
    REQUIRE_THROWS_AS(prepare({folder.write("tiny.txt", "x")}, options), Error);
    // If there are enough documents for both splits, they are not cut.
    REQUIRE(prepare({write_corpus(folder, 300)}, options).split == SplitRule::hash);
}

TEST_CASE("an output folder that an input reaches by a link is refused") {
    const TemporaryFolder folder;
    folder.write("in/a.txt", sentence(1));
    folder.write("elsewhere/b.txt", sentence(2));
    fs::create_directory_symlink(folder / "elsewhere", folder / "in/link");
    REQUIRE(std::string(error_of([&] { prepare({folder / "in"}, options_for(folder / "elsewhere/out")); }).what())
                .find("is inside the input") != std::string::npos);
}

TEST_CASE("the tail split cuts the last fraction of the text, between two characters") {
    const TemporaryFolder folder;
    PrepareOptions options = options_for(folder / "out");
    options.split = SplitRule::tail;
    options.val_fraction = 0.1;
    std::string text;
    for (int i = 0; i < 1000; ++i) text += i % 3 ? "é" : "x";
    prepare({folder.write("one.txt", text)}, options);
    const auto train = texts_of(folder / "out/train.jsonl.zst"), val = texts_of(folder / "out/val.jsonl.zst");
    REQUIRE(train.size() == 1);
    REQUIRE(val.size() == 1);
    REQUIRE(train[0] + val[0] == text);
    const size_t cut = size_t(double(text.size()) * 0.9);
    REQUIRE(train[0].size() <= cut);
    REQUIRE(train[0].size() + 1 >= cut);

    const fs::path corpus = write_corpus(folder, 500);
    prepare({corpus}, options);
    std::string joined, whole;
    for (const char* name : {"train.jsonl.zst", "val.jsonl.zst"})
        for (const std::string& part : texts_of(folder / "out" / name)) joined += part;
    for (int i = 0; i < 500; ++i) whole += sentence(i);
    REQUIRE(joined == whole);
}

TEST_CASE("Shakespeare is split where nanoGPT splits it") {
    const fs::path shakespeare = fs::path(GRADUS_ROOT) / "../shared/data/tinyshakespeare.txt";
    if (!fs::exists(shakespeare)) {
        WARN("skipped: there is no " << shakespeare);
        return;
    }
    const TemporaryFolder folder;
    PrepareOptions options = options_for(folder / "out");
    options.split = SplitRule::tail;
    options.val_fraction = 0.1;
    const PrepareReport report = prepare({shakespeare}, options);
    REQUIRE(report.train.bytes == 1'003'854);
    REQUIRE(report.val.bytes == 111'540);
}

TEST_CASE("with a tokenizer the shards have the documents, and meta names the tokenizer") {
    const TemporaryFolder folder;
    const TokenizerUse tokenizer = byte_tokenizer(folder.write("my-tokenizer.json", "{\"a\": 1}"));
    const PrepareReport report = prepare({write_corpus(folder, 200)}, options_for(folder / "out"), &tokenizer);
    for (const char* split : {"train", "val"}) {
        const Shard shard(folder / "out" / split);
        const auto texts = texts_of(folder / "out" / (std::string(split) + ".jsonl.zst"));
        REQUIRE(shard.documents() == int64_t(texts.size()));
        for (size_t d = 0; d < texts.size(); ++d) {
            const Shard::Span span = shard.document(int64_t(d));
            std::string text;
            for (int64_t i = 0; i + 1 < span.length; ++i) text += char(shard.id(span.begin + i));
            REQUIRE(text == texts[d]);
            REQUIRE(shard.id(span.begin + span.length - 1) == 256);
        }
        REQUIRE(shard.meta()->vocab_size == 257);
        REQUIRE(shard.meta()->end_of_text == 256);
        REQUIRE(shard.meta()->tokenizer_xxh64 == file_xxh64(folder / "my-tokenizer.json"));
        REQUIRE(shard.meta()->bytes + shard.documents() == shard.tokens());
        shard.check_ids(257);
    }
    REQUIRE(report.train.tokens == report.train.bytes + report.train.documents);
    REQUIRE(read_file(folder / "out/tokenizer.json") == "{\"a\": 1}");
}

TEST_CASE("a prepared folder is tokenized into itself or elsewhere, keeping its documents and split") {
    const TemporaryFolder folder;
    const TokenizerUse tokenizer = byte_tokenizer(folder.write("tokenizer.json", "{}"));
    const fs::path corpus = write_corpus(folder, 200);
    const PrepareReport first = prepare({corpus}, options_for(folder / "out"));
    prepare({corpus}, options_for(folder / "at-once"), &tokenizer);
    PrepareOptions other = options_for(folder / "out");
    other.min_bytes = 100'000;  // has no effect any more
    other.val_fraction = 0.5;
    const PrepareReport second = prepare({folder / "out"}, other, &tokenizer);
    REQUIRE(second.inputs == std::vector<std::string>{corpus.string()});
    REQUIRE(second.train.documents == first.train.documents);
    other.out = folder / "elsewhere";
    prepare({folder / "out"}, other, &tokenizer);
    for (const char* name : outputs) {
        INFO(name);
        REQUIRE(read_file(folder / "out" / name) == read_file(folder / "at-once" / name));
        REQUIRE(read_file(folder / "elsewhere" / name) == read_file(folder / "at-once" / name));
    }
}

TEST_CASE("new text removes the token shards of the old one") {
    const TemporaryFolder folder;
    const TokenizerUse tokenizer = byte_tokenizer(folder.write("tokenizer.json", "{}"));
    prepare({write_corpus(folder, 200)}, options_for(folder / "out"), &tokenizer);
    prepare({write_corpus(folder, 300)}, options_for(folder / "out"));
    REQUIRE_FALSE(fs::exists(folder / "out/train.bin"));
    REQUIRE_FALSE(fs::exists(folder / "out/val.idx"));
}

TEST_CASE("input that cannot be prepared is an error, and existing output stays") {
    const TemporaryFolder folder;
    const fs::path corpus = write_corpus(folder, 200);
    prepare({corpus}, options_for(folder / "out"));
    const std::string before = read_file(folder / "out/train.jsonl.zst"),
                      report = read_file(folder / "out/report.json");

    const fs::path bad = folder.write("bad.jsonl", "{\"text\": \"" + sentence(1) + "\"}\n{oops}\n");
    REQUIRE(std::string(error_of([&] { prepare({bad}, options_for(folder / "out")); }).what()).find("bad.jsonl:2:2") !=
            std::string::npos);
    const fs::path tiny = folder.write("tiny.txt", "tiny");
    REQUIRE(error_of([&] { prepare({tiny}, options_for(folder / "out")); }).cause.find("1 too_short") !=
            std::string::npos);
    const fs::path one = folder.write("one.txt", sentence(1));
    PrepareOptions by_hash = options_for(folder / "out");
    by_hash.may_fall_back = false;
    REQUIRE(error_of([&] { prepare({one}, by_hash); }).fix.find("--split tail") != std::string::npos);
    REQUIRE_THROWS_AS(prepare({folder}, options_for(folder / "out")), Error);  // the output is inside the input
    PrepareOptions all = options_for(folder / "out");
    all.val_fraction = 1;
    REQUIRE_THROWS_AS(prepare({corpus}, all), Error);
    {
        const FolderLock held(folder / "out");
        REQUIRE_THROWS_AS(prepare({corpus}, options_for(folder / "out")), Error);
    }
    REQUIRE(read_file(folder / "out/train.jsonl.zst") == before);
    REQUIRE(read_file(folder / "out/report.json") == report);
    int temporary = 0;
    for (const auto& entry : fs::directory_iterator(folder / "out"))
        temporary += entry.path().string().find(".tmp") != std::string::npos;
    REQUIRE(temporary == 0);
}

TEST_CASE(
    "a preparation that fails before it has written anything leaves no new folder behind, and an old one as it was") {
    const TemporaryFolder folder;
    const fs::path missing = folder / "missing.txt", fresh = folder / "fresh", old = folder / "old";
    REQUIRE_THROWS_AS(prepare({missing}, options_for(fresh)), Error);
    REQUIRE(!fs::exists(fresh));
    folder.write("old/notes.txt", "mine");
    REQUIRE_THROWS_AS(prepare({missing}, options_for(old)), Error);
    REQUIRE(read_file(old / "notes.txt") == "mine");
    fs::create_directory(folder / "empty");
    REQUIRE_THROWS_AS(prepare({missing}, options_for(folder / "empty")), Error);
    REQUIRE(fs::exists(folder / "empty"));
}

TEST_CASE("ordered_parallel returns results in order and throws the first failure in that order") {
    for (const int threads : {1, 2, 5}) {
        int made = 0;
        std::vector<int> seen;
        ordered_parallel<int>(
            threads, [&](int& item) { return (item = made++) < 500; }, [](int& item) { item *= 2; },
            [&](int& item) { seen.push_back(item); });
        REQUIRE(seen.size() == 500);
        for (int i = 0; i < 500; ++i) REQUIRE(seen[size_t(i)] == 2 * i);

        made = 0;
        seen.clear();
        const Error error = error_of([&] {
            ordered_parallel<int>(
                threads, [&](int& item) { return (item = made++) < 500; },
                [](int& item) {
                    if (item % 100 == 99) throw Error("item " + std::to_string(item), "", "");
                },
                [&](int& item) { seen.push_back(item); });
        });
        REQUIRE(std::string(error.what()) == "item 99");
        REQUIRE(seen.size() == 99);
    }
}
