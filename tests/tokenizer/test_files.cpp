// tokenizer.json, vocab.json and merges.txt: what is written, what is read, what is refused.
#include "tests/tokenizer/json_parts.h"

using namespace gradus;
using namespace gradus::testing;

TEST_CASE("a saved tokenizer is loaded with every token, merge and special token") {
    const TemporaryFolder folder;
    for (const char* name : {"prose.json", "prose_lines.json"}) {
        const Tokenizer tokenizer = Tokenizer::load(golden_path(name));
        tokenizer.save(folder / "tokenizer.json");
        const Tokenizer copy = Tokenizer::load(folder);
        REQUIRE(copy.to_json() == tokenizer.to_json());
        REQUIRE(copy.specials() == tokenizer.specials());
        const std::string text = read_file(golden_path("prose.txt"));
        REQUIRE(copy.encode(text) == tokenizer.encode(text));
    }
}

TEST_CASE("the saved file has the same content as the library's") {
    json theirs = prose();
    json ours = json::parse(Tokenizer::load(golden_path("prose.json")).to_json());
    for (json& merge : theirs["model"]["merges"])
        if (merge.is_array()) merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
    REQUIRE(ours["model"]["vocab"] == theirs["model"]["vocab"]);
    REQUIRE(ours["model"]["merges"] == theirs["model"]["merges"]);
    REQUIRE(ours["added_tokens"] == theirs["added_tokens"]);
    REQUIRE(ours["pre_tokenizer"] == theirs["pre_tokenizer"]);
    for (const auto& [key, value] : theirs.items()) REQUIRE(ours.contains(key));
    for (const char* key :
         {"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk"})
        REQUIRE(ours["model"][key] == theirs["model"][key]);
}

TEST_CASE("merges are read as strings and as pairs") {
    json file = prose();
    const std::string expected = Tokenizer::parse(file.dump(), "pairs").to_json();
    for (json& merge : file["model"]["merges"])
        if (merge.is_array()) merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
    REQUIRE(Tokenizer::parse(file.dump(), "strings").to_json() == expected);
}

TEST_CASE("a vocabulary and merges in two files make the same tokenizer as one file") {
    const TemporaryFolder folder;
    const json file = prose();
    std::string merges = "#version: 0.2\n";
    for (const json& merge : file["model"]["merges"])
        merges += merge[0].get<std::string>() + " " + merge[1].get<std::string>() + "\r\n";
    write_file_atomically(folder / "vocab.json", file["model"]["vocab"].dump());
    write_file_atomically(folder / "merges.txt", merges);
    REQUIRE(Tokenizer::load(folder).to_json() == Tokenizer::load(golden_path("prose.json")).to_json());

    write_file_atomically(folder / "merges.txt", "#version: 0.2\nt h\nt h e\n");
    REQUIRE(contains(error_of([&] { Tokenizer::load(folder); }).cause, "merges.txt:3"));
    write_file_atomically(folder / "vocab.json", "{\"a\": -1}");
    REQUIRE(contains(error_of([&] { Tokenizer::load(folder); }).cause, "vocab.json"));
    fs::remove(folder / "vocab.json");
    REQUIRE(contains(error_of([&] { Tokenizer::load(folder); }).what(), "no tokenizer in"));
}

TEST_CASE("a file in GPT-2's older format, without a type and with a post-processor, is read") {
    json file = prose();
    file["model"].erase("type");
    file["model"]["unk_token"] = "<|endoftext|>";
    file["model"]["continuing_subword_prefix"] = "";
    file["model"]["end_of_word_suffix"] = "";
    file["pre_tokenizer"].erase("use_regex");
    file["post_processor"] = {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", false}};
    REQUIRE(Tokenizer::parse(file.dump(), "old").to_json() == Tokenizer::load(golden_path("prose.json")).to_json());
}

TEST_CASE("a special token may lie beyond the vocabulary") {
    json file = prose();
    const int next = int(file["model"]["vocab"].size());
    file["added_tokens"].push_back({{"id", next}, {"content", "<|\u00e9 user|>"}, {"special", true}});
    const Tokenizer tokenizer = Tokenizer::parse(file.dump(), "more");
    REQUIRE(tokenizer.vocab_size() == next + 1);
    REQUIRE(tokenizer.id_of("<|\u00e9 user|>") == next);
    REQUIRE(tokenizer.encode_with_specials("<|\u00e9 user|>") == std::vector<int32_t>{next});
    REQUIRE(Tokenizer::parse(tokenizer.to_json(), "copy").to_json() == tokenizer.to_json());
}

TEST_CASE("of several matching special tokens, the leftmost and then the longest is used") {
    json file = prose();
    int next = int(file["model"]["vocab"].size());
    for (const char* text : {"<a", "<a>", "<a><b>", "a>"})
        file["added_tokens"].push_back({{"id", next++}, {"content", text}, {"special", true}});
    const Tokenizer tokenizer = Tokenizer::parse(file.dump(), "more");
    REQUIRE(tokenizer.encode_with_specials("<a><b><a><a") ==
            std::vector<int32_t>{*tokenizer.id_of("<a><b>"), *tokenizer.id_of("<a>"), *tokenizer.id_of("<a")});
}

TEST_CASE("with ignore_merges a piece that is a token becomes it, without it the merges decide") {
    json file = prose();
    const int next = int(file["model"]["vocab"].size());
    file["model"]["vocab"]["xqzzv"] = next;
    REQUIRE(Tokenizer::parse(file.dump(), "plain").encode("xqzzv") != std::vector<int32_t>{next});
    file["model"]["ignore_merges"] = true;
    const Tokenizer tokenizer = Tokenizer::parse(file.dump(), "ignoring");
    REQUIRE(tokenizer.encode("xqzzv") == std::vector<int32_t>{next});
    REQUIRE(Tokenizer::parse(tokenizer.to_json(), "copy").encode("xqzzv") == std::vector<int32_t>{next});
}

TEST_CASE("with ignore_merges a token within a longer piece is left to the merges") {
    // Merges join all letters of the word somewhere, so it is encoded as a whole; they do not make it.
    const std::string word = "heyou";
    json file = prose();
    file["model"]["vocab"][word] = int(file["model"]["vocab"].size());
    const Tokenizer plain = Tokenizer::parse(file.dump(), "plain");
    file["model"]["ignore_merges"] = true;
    const Tokenizer ignoring = Tokenizer::parse(file.dump(), "ignoring");
    REQUIRE(ignoring.encode(word).size() == 1);
    REQUIRE(plain.encode(word).size() > 1);
    for (const char* before : {"zq", "zqjxkvzqjxkvzqjxkv"})
        for (const char* after : {"", "zq", "jqxzjqxzjqxzjqxzjqxz"})
            REQUIRE(ignoring.encode(before + word + after) == plain.encode(before + word + after));
}

TEST_CASE("unsupported parts that would change an id are refused by name") {
    const auto refused = [](const json::json_pointer& place, const json& value, const std::string& name) {
        json file = prose();
        file[place] = value;
        const Error error = refusal(file);
        INFO(error.text());
        REQUIRE(contains(error.what(), name));
        REQUIRE(contains(error.cause, "some/tokenizer.json"));
        REQUIRE_FALSE(error.fix.empty());
    };
    using Place = json::json_pointer;
    refused(Place("/normalizer"), {{"type", "NFC"}}, "the normalizer 'NFC'");
    refused(Place("/pre_tokenizer/type"), "Whitespace", "'Whitespace'");
    const json byte_level = prose()["pre_tokenizer"];
    refused(Place("/pre_tokenizer"), sequence("pretokenizers", {byte_level, byte_level}), "several ByteLevel");
    refused(Place("/pre_tokenizer"), sequence("pretokenizers", {{{"type", "Split"}}, byte_level}), "'Split'");
    refused(Place("/normalizer"), sequence("normalizers", {{{"type", "Prepend"}}}), "the normalizer 'Prepend'");
    refused(Place("/pre_tokenizer/add_prefix_space"), true, "option 'add_prefix_space'");
    refused(Place("/pre_tokenizer/use_regex"), false, "option 'use_regex'");
    refused(Place("/post_processor"), {{"type", "BertProcessing"}}, "'BertProcessing'");
    refused(Place("/post_processor"), with_template({text_piece(), end_piece()}), "after the text");
    refused(Place("/post_processor"), with_template({end_piece()}), "exactly one text");
    refused(Place("/post_processor"), with_template({text_piece(), text_piece()}), "exactly one text");
    refused(Place("/post_processor"), with_template({end_piece(), {{"Sequence", {{"id", "B"}}}}}), "second text");
    const json opens = with_template({end_piece(), text_piece()});
    refused(Place("/post_processor"), sequence("processors", {opens, opens}), "two templates");
    refused(Place("/decoder"), {{"type", "Metaspace"}}, "'Metaspace'");
    refused(Place("/decoder"), nullptr, "'null'");
    refused(Place("/model/type"), "Unigram", "'Unigram'");
    refused(Place("/model/dropout"), 0.1, "option 'dropout'");
    refused(Place("/model/byte_fallback"), true, "option 'byte_fallback'");
    refused(Place("/model/continuing_subword_prefix"), "##", "option 'continuing_subword_prefix'");
    refused(Place("/model/end_of_word_suffix"), "</w>", "option 'end_of_word_suffix'");
    refused(Place("/added_tokens/0/lstrip"), true, "lstrip");
    refused(Place("/added_tokens/0/single_word"), true, "single_word");
}

TEST_CASE("an inconsistent vocabulary is refused with the token at fault") {
    const auto refused = [](auto&& edit, const std::string& part) {
        json file = prose();
        edit(file);
        const Error error = refusal(file);
        INFO(error.text());
        REQUIRE(contains(error.text(), part));
        REQUIRE(contains(error.cause, "some/tokenizer.json"));
    };
    refused([](json& f) { f["model"]["vocab"]["\u0120t"] = 99999; }, "'\u0120t' has the id 99999");
    refused([](json& f) { f["model"]["vocab"]["\u0120t"] = 5; }, "two tokens have the id 5");
    refused([](json& f) { f["model"]["vocab"]["\u0120t"] = -1; }, "-1");
    refused([](json& f) { f["model"]["vocab"]["\u0120t"] = 1e30; }, "an id");
    refused([](json& f) { f["model"]["vocab"]["\u0120t"] = 18446744073709551615u; }, "below 2^31");
    refused([](json& f) { f["model"]["vocab"]["a b"] = 800; }, "byte alphabet");
    refused([](json& f) { f["model"]["vocab"][""] = 800; }, "byte alphabet");
    refused([](json& f) { f["model"]["merges"].push_back({"Q", "nope"}); }, "'nope'");
    refused([](json& f) { f["model"]["merges"].push_back({"Q", "Q"}); }, "'QQ'");
    refused([](json& f) { f["model"]["merges"].push_back(f["model"]["merges"][0]); }, "twice");
    refused([](json& f) { f["model"]["merges"].push_back("no-space"); }, "pairs");
    refused([](json& f) { f["model"]["merges"].push_back("a b c"); }, "pairs");
    refused([](json& f) { f["model"]["merges"].push_back({"a"}); }, "pairs");
    refused([](json& f) { f["added_tokens"][0]["id"] = 3; }, "two ids");
    refused([](json& f) { f["added_tokens"].push_back(f["added_tokens"][0]); }, "twice");
    refused([](json& f) { f["added_tokens"][0]["content"] = ""; }, "no text");
    refused(
        [](json& f) {
            f["added_tokens"].push_back({{"id", 1}, {"content", "!"}, {"special", true}});
        },
        "byte 33 has no token");
    refused(
        [](json& f) {
            f["added_tokens"].push_back(
                {{"id", f["model"]["vocab"]["\u0120t"]}, {"content", "\u0120t"}, {"special", true}});
        },
        "added or special token '\u0120t'");
    refused([](json& f) { f.erase("model"); }, "'model'");
    refused([](json& f) { f["model"].erase("vocab"); }, "'vocab'");
    refused(
        [](json& f) {
            f["model"]["vocab"] = json::object();
            f["added_tokens"] = json::array();
        },
        "empty");
    refused(
        [](json& f) {
            f["pre_tokenizer"] = nullptr;
            f["decoder"] = {{"type", "Fuse"}};
        },
        "not one character");
}

TEST_CASE("text that is not JSON is refused with its line and column") {
    const auto cause = [](const std::string& text) {
        return error_of([&] { Tokenizer::parse(text, "t.json"); }).cause;
    };
    REQUIRE(contains(cause("{\n  \"model\": oops}"), "t.json:2:"));
    REQUIRE(contains(cause(""), "t.json:1:1"));
    REQUIRE(contains(cause("[]"), "an object"));
    REQUIRE(contains(cause("{\"model\": \"\xFF\"}"), "t.json:1:"));
    REQUIRE(contains(cause(std::string(100'000, '[')), "t.json:1:"));
    REQUIRE_FALSE(error_of([] { Tokenizer::load("/no/such/tokenizer.json"); }).fix.empty());
}

TEST_CASE("a number out of range is refused like other damage") {
    const Error error = error_of([] { Tokenizer::parse("{\"version\": 1e999}", "t.json"); });
    REQUIRE(contains(error.what(), "t.json"));
    REQUIRE(contains(error.cause, "1e999"));
    const std::string digits(100'000, '9');
    REQUIRE(error_of([&] { Tokenizer::parse("{\"version\": " + digits + "e999}", "t.json"); }).cause.size() < 300);
}

TEST_CASE("a million nested brackets are refused at the depth limit") {
    const std::string open(1'000'000, '['), closed(1'000'000, ']');
    const Error error = error_of([&] { Tokenizer::parse("{\n  \"normalizer\": " + open + closed + "}", "t.json"); });
    REQUIRE(contains(error.cause, "t.json:2:"));
    REQUIRE(contains(error.cause, "deep"));
    json file = prose();
    file["normalizer"] = "[[[ \\\" [[[";  // brackets in a string add no depth
    REQUIRE(contains(refusal(file).cause, "normalizer"));
    file["normalizer"] = json::array({json::object()});
    REQUIRE(contains(refusal(file).cause, "a list"));
}

TEST_CASE("a missing tokenizer is an error that names the expected files") {
    const TemporaryFolder folder;
    const Error error = error_of([&] { Tokenizer::load(folder / "nowhere"); });
    REQUIRE(contains(error.what(), "no tokenizer"));
    REQUIRE(contains(error.what(), "nowhere"));
    REQUIRE(contains(error.fix, "gradus tokenizer train"));
}

TEST_CASE("a damaged tokenizer.json is an Error or a working tokenizer, never a crash") {
    const std::string whole = Tokenizer::load(golden_path("prose_lines.json")).to_json();
    const std::string text = "A step's <|endoftext|> is taken\xFF";
    int refused = 0;
    for (uint64_t seed = 0; seed < 600; ++seed) {
        Numbers numbers(seed);
        std::string damaged = whole;
        for (uint64_t edits = 1 + numbers.below(3); edits > 0; --edits) {
            const size_t at = numbers.below(damaged.size());
            switch (numbers.below(5)) {
                case 0: damaged[at] = char(numbers.below(256)); break;
                case 1: damaged.erase(at, 1 + numbers.below(40)); break;
                case 2: damaged.insert(at, damaged.substr(numbers.below(damaged.size()), numbers.below(60))); break;
                case 3: damaged.resize(at + 1); break;
                case 4: damaged[at] = "0123456789{}[]\",:-ntf"[numbers.below(21)]; break;
            }
        }
        try {
            const Tokenizer tokenizer = Tokenizer::parse(damaged, "damaged.json");
            if (tokenizer.kind() == TokenizerKind::byte_level_bpe)
                REQUIRE(tokenizer.decode(tokenizer.encode_with_specials(text)) == text);
        } catch (const Error& error) {
            REQUIRE_FALSE(error.cause.empty());
            ++refused;
        }
    }
    REQUIRE(refused > 300);
}

TEST_CASE("values of the wrong type anywhere in the file are an Error") {
    const json whole = json::parse(Tokenizer::load(golden_path("prose_lines.json")).to_json());
    const std::vector<json> values = {nullptr,
                                      true,
                                      -1,
                                      1e300,
                                      "",
                                      "\u0120",
                                      json::array(),
                                      json::object(),
                                      {{"type", 3}},
                                      json::array({json::array()})};
    std::vector<std::string> places = {"/model",
                                       "/model/vocab",
                                       "/model/merges",
                                       "/model/merges/0",
                                       "/model/vocab/a",
                                       "/added_tokens",
                                       "/added_tokens/0",
                                       "/added_tokens/0/id",
                                       "/added_tokens/0/content",
                                       "/added_tokens/0/special",
                                       "/pre_tokenizer",
                                       "/pre_tokenizer/type",
                                       "/decoder",
                                       "/decoder/type",
                                       "/model/type",
                                       "/model/ignore_merges",
                                       "/model/dropout",
                                       "/model/unk_token",
                                       "/normalizer",
                                       "/post_processor"};
    for (const std::string& place : places)
        for (const json& value : values) {
            json file = whole;
            file[json::json_pointer(place)] = value;
            try {
                Tokenizer::parse(file.dump(), "wrong.json").encode("A step");
            } catch (const Error& error) { REQUIRE_FALSE(error.fix.empty()); }
        }
}
