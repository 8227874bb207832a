// Other parts of a tokenizer.json: parts without effect, templates, added tokens, files next to it.
#include "tests/tokenizer/json_parts.h"

using namespace gradus;
using namespace gradus::testing;

TEST_CASE("padding and truncation settings change no id") {
    json file = prose();
    const std::string plain = Tokenizer::parse(file.dump(), "plain").to_json();
    file["truncation"] = {{"direction", "Right"}, {"max_length", 4}, {"strategy", "LongestFirst"}, {"stride", 0}};
    file["padding"] = {
        {"strategy", "BatchLongest"}, {"direction", "Right"}, {"pad_id", 0}, {"pad_token", "<|endoftext|>"}};
    REQUIRE(Tokenizer::parse(file.dump(), "batch").to_json() == plain);
    file["padding"] = 5;
    REQUIRE(contains(refusal(file).cause, "padding must be an object or null"));
}

TEST_CASE("parts without effect, and a Sequence of one part, are accepted") {
    const std::string plain = Tokenizer::load(golden_path("prose.json")).to_json();
    const auto same = [&](const char* key, const json& value) {
        json file = prose();
        file[key] = value;
        INFO(key << " " << value);
        REQUIRE(Tokenizer::parse(file.dump(), "same").to_json() == plain);
    };
    const json byte_level = prose()["pre_tokenizer"], decoder = prose()["decoder"];
    same("normalizer", sequence("normalizers", {}));
    same("normalizer", sequence("normalizers", {sequence("normalizers", {})}));
    same("pre_tokenizer", sequence("pretokenizers", {byte_level}));
    same("pre_tokenizer", sequence("pretokenizers", {sequence("pretokenizers", {}), byte_level}));
    same("decoder", sequence("decoders", {decoder}));
    same("post_processor", nullptr);
    same("post_processor", sequence("processors", {}));
    same("post_processor", sequence("processors", {byte_level, with_template({text_piece()})}));
    same("post_processor", with_template({text_piece()}));

    json characters = {{"added_tokens", json::array()}, {"model", {{"vocab", {{"a", 0}}}, {"merges", json::array()}}}};
    for (const json& fuse :
         {json{{"type", "Fuse"}}, sequence("decoders", {}), sequence("decoders", {{{"type", "Fuse"}}})}) {
        characters["decoder"] = fuse;
        REQUIRE(Tokenizer::parse(characters.dump(), "characters").kind() == TokenizerKind::characters);
    }
}

TEST_CASE("a known pattern before ByteLevel splits text, and is read and written") {
    for (const KnownPattern pattern : {KnownPattern::cl100k, KnownPattern::qwen2}) {
        json file = prose(), byte_level = file["pre_tokenizer"];
        byte_level["use_regex"] = false;
        const json split = {{"type", "Split"},
                            {"pattern", {{"Regex", regex_of(pattern)}}},
                            {"behavior", "Isolated"},
                            {"invert", false}};
        file["pre_tokenizer"] = sequence("pretokenizers", {split, byte_level});
        const Tokenizer tokenizer = Tokenizer::parse(file.dump(), "pattern");
        REQUIRE(tokenizer.parts().pattern == pattern);
        const std::string text = "they would, at 1234:\n\n  (and so)";
        std::vector<int32_t> of_pieces;
        for_each_piece(pattern, text, [&](std::string_view piece) {
            for (const int32_t id : Tokenizer::load(golden_path("prose.json")).encode(piece)) of_pieces.push_back(id);
        });
        REQUIRE(tokenizer.encode(text) == of_pieces);
        REQUIRE(tokenizer.encode(text) != Tokenizer::load(golden_path("prose.json")).encode(text));
        const Tokenizer again = Tokenizer::parse(tokenizer.to_json(), "again");
        REQUIRE(again.parts().pattern == pattern);
        REQUIRE(again.to_json() == tokenizer.to_json());

        for (const json& wrong : {json("Removed"), json("MergedWithNext")}) {
            file["pre_tokenizer"]["pretokenizers"][0]["behavior"] = wrong;
            REQUIRE(contains(refusal(file).cause, "pre_tokenizer.behavior"));
        }
        file["pre_tokenizer"] = sequence("pretokenizers", {split, prose()["pre_tokenizer"]});
        REQUIRE(contains(refusal(file).cause, "pre_tokenizer.use_regex"));
        file["pre_tokenizer"] = split;
        REQUIRE(contains(refusal(file).cause, "Split without ByteLevel"));
    }
}

TEST_CASE("the token that a template puts before a text is read and written, and encode omits it") {
    for (const json& post :
         {with_template({end_piece(), text_piece()}),
          sequence("processors", {prose()["pre_tokenizer"], with_template({end_piece(), text_piece()})})}) {
        json file = prose();
        file["post_processor"] = post;
        const Tokenizer tokenizer = Tokenizer::parse(file.dump(), "opening");
        REQUIRE(tokenizer.parts().opening == std::vector<int32_t>{0});
        const std::vector<int32_t> ids = Tokenizer::load(golden_path("prose.json")).encode("they would");
        REQUIRE(tokenizer.encode("they would") == ids);
        REQUIRE(tokenizer.encode_with_specials("they would") == ids);
        const json written = json::parse(tokenizer.to_json())["post_processor"];
        REQUIRE(written["single"] == json::array({end_piece(), text_piece()}));
        REQUIRE(written["special_tokens"] == with_template({})["special_tokens"]);
        REQUIRE(Tokenizer::parse(tokenizer.to_json(), "again").parts().opening == tokenizer.parts().opening);
    }
}

TEST_CASE("a template with tokens outside the vocabulary is an Error") {
    for (const json& ids : {json::array({-1}), json::array({1'000'000}), json::array({"a"}), json(3), json(nullptr)}) {
        json file = prose();
        file["post_processor"] = with_template({end_piece(), text_piece()});
        file["post_processor"]["special_tokens"]["<|endoftext|>"]["ids"] = ids;
        REQUIRE(contains(refusal(file).cause, "post_processor.special_tokens"));
        file["post_processor"]["special_tokens"] = json::object();
        REQUIRE(contains(refusal(file).cause, "post_processor.special_tokens"));
    }
}

TEST_CASE("an added token that is not special is found before text is split, the longest first") {
    json file = prose();
    const int next = int(file["model"]["vocab"].size());
    int id = next;
    for (const char* text : {"<x>", "ey wo", "<x><y>"})
        file["added_tokens"].push_back({{"id", id++}, {"content", text}, {"special", false}});
    const Tokenizer tokenizer = Tokenizer::parse(file.dump(), "added"),
                    plain = Tokenizer::load(golden_path("prose.json"));
    std::vector<int32_t> expected = plain.encode("th");
    expected.push_back(next + 1);
    plain.encode_append("uld", expected);
    expected.push_back(next + 2);
    expected.push_back(next);
    REQUIRE(tokenizer.encode("they would<x><y><x>") == expected);
    REQUIRE(tokenizer.decode(expected) == "they would<x><y><x>");
    REQUIRE_FALSE(tokenizer.is_special(next));
    REQUIRE_FALSE(tokenizer.id_of("<x>"));
    const Tokenizer again = Tokenizer::parse(tokenizer.to_json(), "again");
    REQUIRE(again.to_json() == tokenizer.to_json());
    REQUIRE(again.encode("they would<x><y><x>") == expected);
}

TEST_CASE("added and special tokens of a character vocabulary may be longer than a character") {
    const auto token = [](int id, const char* text, bool special) {
        return json{{"id", id}, {"content", text}, {"special", special}};
    };
    const json file = {{"added_tokens", {token(2, "<x>", false), token(3, "<|y|>", true)}},
                       {"decoder", {{"type", "Fuse"}}},
                       {"model", {{"vocab", {{"a", 0}, {"b", 1}}}, {"merges", json::array()}}}};
    const Tokenizer tokenizer = Tokenizer::parse(file.dump(), "characters");
    REQUIRE(tokenizer.encode("a<x>b") == std::vector<int32_t>{0, 2, 1});
    REQUIRE(tokenizer.encode_with_specials("a<|y|>") == std::vector<int32_t>{0, 3});
}

TEST_CASE("tokens in the files next to a vocab.json are read, and are special if one of the files says so") {
    const json file = prose();
    const int next = int(file["model"]["vocab"].size());
    std::string merges;
    for (const json& merge : file["model"]["merges"])
        merges += merge[0].get<std::string>() + " " + merge[1].get<std::string>() + "\n";
    const auto load = [&](const std::map<std::string, json>& beside) {
        const TemporaryFolder folder;
        write_file_atomically(folder / "vocab.json", file["model"]["vocab"].dump());
        write_file_atomically(folder / "merges.txt", merges);
        for (const auto& [name, content] : beside) write_file_atomically(folder / (name + ".json"), content.dump());
        return Tokenizer::load(folder);
    };
    const json added = {{"<x>", next}, {"<y>", next + 1}};
    Tokenizer tokenizer = load({{"added_tokens", added}});
    REQUIRE(tokenizer.vocab_size() == next + 2);
    REQUIRE(tokenizer.encode("<y><x>") == std::vector<int32_t>{next + 1, next});
    REQUIRE(tokenizer.decode(std::vector<int32_t>{next}) == "<x>");
    REQUIRE(tokenizer.specials().size() == 1);

    const json lists = {{"eos_token", {{"content", "<x>"}, {"lstrip", false}}},
                        {"additional_special_tokens", {"<y>"}},
                        {"pad_token", "<absent>"}};
    for (const char* name : {"special_tokens_map", "tokenizer_config"}) {
        tokenizer = load({{"added_tokens", added}, {name, lists}});
        REQUIRE(tokenizer.id_of("<x>") == next);
        REQUIRE(tokenizer.id_of("<y>") == next + 1);
        REQUIRE(tokenizer.encode("<y><x>").size() > 2);
    }
    json decoder = {{"0", {{"content", "<|endoftext|>"}, {"special", true}}}};
    decoder[std::to_string(next)] = {{"content", "<x>"}, {"special", true}};
    decoder[std::to_string(next + 1)] = {{"content", "<y>"}, {"special", false}};
    tokenizer = load(
        {{"tokenizer_config", {{"added_tokens_decoder", decoder}, {"add_bos_token", true}, {"bos_token", "<x>"}}}});
    REQUIRE(tokenizer.id_of("<x>") == next);
    REQUIRE(tokenizer.encode("<y>") == std::vector<int32_t>{next + 1});
    REQUIRE(tokenizer.parts().opening == std::vector<int32_t>{next});

    const auto refused = [&](const char* name, const json& content, const std::string& part) {
        const Error error = error_of([&] { load({{name, content}}); });
        INFO(error.text());
        REQUIRE(contains(error.text(), part));
        REQUIRE(contains(error.text(), name));
    };
    refused("added_tokens", json::array(), "object");
    refused("added_tokens", {{"<x>", -1}}, "below 2^31");
    refused("tokenizer_config", {{"add_prefix_space", true}}, "add_prefix_space");
    refused("tokenizer_config", {{"added_tokens_decoder", 5}}, "added_tokens_decoder");
    refused("tokenizer_config", {{"added_tokens_decoder", {{"0x", {{"content", "a"}}}}}}, "added_tokens_decoder");
    refused("tokenizer_config", {{"added_tokens_decoder", {{"5", {{"content", "a"}, {"lstrip", true}}}}}}, "lstrip");
}

TEST_CASE("the tokenizers of published LLaMA models are refused with the unsupported part and a fix") {
    json two = prose(), three = prose();
    two["normalizer"] = sequence("normalizers", {{{"type", "Prepend"}, {"prepend", "\u2581"}}, {{"type", "Replace"}}});
    two["pre_tokenizer"] = nullptr;
    three["pre_tokenizer"] =
        sequence("pretokenizers", {{{"type", "Split"}, {"pattern", {{"Regex", "x"}}}}, three["pre_tokenizer"]});
    for (const auto& [file, part] :
         {std::pair{two, "the normalizer 'Prepend'"}, {three, "the pre-tokenizer 'Split'"}}) {
        const Error error = refusal(file);
        REQUIRE(contains(error.what(), part));
        REQUIRE(contains(error.fix, "model.from do not need"));
    }
    const TemporaryFolder folder;
    write_file_atomically(folder / "tokenizer.model", "spm");
    const Error error = error_of([&] { Tokenizer::load(folder); });
    REQUIRE(contains(error.cause, "SentencePiece"));
    REQUIRE(contains(error.fix, "gradus tokenizer train"));
}

TEST_CASE("text from a file never breaks the lines of an Error") {
    json file = prose();
    file["normalizer"] = {{"type", "a\nb\u001b[0m"}};
    const std::string text = refusal(file).text();
    REQUIRE(std::count(text.begin(), text.end(), '\n') == 2);
    REQUIRE_FALSE(contains(text, "\x1b"));
}
