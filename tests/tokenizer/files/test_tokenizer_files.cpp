// The foreign files: read, written, refused.
#include <zlib.h>

#include "tests/tokenizer/goldens.h"
#include "tokenizer/files/base64.h"
#include "tokenizer/files/sentencepiece_model.h"
#include "tokenizer/files/tiktoken_file.h"
#include "tokenizer/files/vocab_txt.h"

using namespace gradus;

namespace {

std::string unpacked(const fs::path& path) {
    std::string text;
    gzFile file = gzopen(path.c_str(), "rb");
    REQUIRE(file);
    char buffer[1 << 16];
    for (int size; (size = gzread(file, buffer, sizeof buffer)) > 0;) text.append(buffer, size_t(size));
    gzclose(file);
    return text;
}

std::string cause_of(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& e) { return e.cause; }
    return "no error";
}

std::string cause_of_tiktoken(const std::string& text) {
    return cause_of([&] { parse_tiktoken(text, "f"); });
}

}  // namespace

TEST_CASE("SentencePiece's models are the same when they are written and read again") {
    for (const char* name : {"unigram.model", "bpe.model", "bpe_plain.model"}) {
        const SentencePieceModel model = read_sentencepiece_model(golden_path(std::string("models/") + name));
        REQUIRE(parse_sentencepiece_model(write_sentencepiece_model(model), "written") == model);
    }
    const SentencePieceModel model = read_sentencepiece_model(golden_path("models/unigram.model"));
    REQUIRE(model.algorithm == SentencePieceModel::Algorithm::unigram);
    REQUIRE(model.byte_fallback);
    REQUIRE(model.pieces[0].text == "<unk>");
    REQUIRE(model.pieces[0].type == SentencePieceModel::Type::unknown);
    REQUIRE(model.pieces[3].text == "<user>");
    REQUIRE(model.pieces[3].type == SentencePieceModel::Type::user_defined);
    REQUIRE(model.normalizer_name == "identity");
    REQUIRE(model.add_dummy_prefix);
    REQUIRE_FALSE(read_sentencepiece_model(golden_path("models/bpe_plain.model")).remove_extra_whitespaces);
}

TEST_CASE("Llama 2's model has its settings") {
    const fs::path path = shared_data() / "vocab/llama2.model";
    if (!fs::exists(path)) {
        WARN("skipped: " << path << " is not there");
        return;
    }
    const SentencePieceModel model = read_sentencepiece_model(path);
    REQUIRE(model.pieces.size() == 32000);
    REQUIRE(model.algorithm == SentencePieceModel::Algorithm::bpe);
    REQUIRE(model.byte_fallback);
    REQUIRE(model.pad_id == -1);
    REQUIRE(model.normalizer_name == "identity");
    REQUIRE_FALSE(model.remove_extra_whitespaces);
    REQUIRE(parse_sentencepiece_model(write_sentencepiece_model(model), "written") == model);
}

TEST_CASE("a truncated or changed SentencePiece model is read or refused, never worse") {
    const std::string bytes = read_file(golden_path("models/bpe_plain.model"));
    Numbers numbers(2);
    int refused = 0;
    for (int round = 0; round < 1000; ++round) {
        std::string broken = bytes.substr(0, round % 2 ? bytes.size() : numbers.below(bytes.size()));
        for (int i = 0; i < round % 4 && !broken.empty(); ++i)
            broken[numbers.below(broken.size())] = char(numbers.below(256));
        try {
            const SentencePieceModel model = parse_sentencepiece_model(broken, "broken");
            REQUIRE(parse_sentencepiece_model(write_sentencepiece_model(model), "written") == model);
        } catch (const Error& e) {
            REQUIRE(contains(e.cause, "broken: "));
            ++refused;
        }
    }
    REQUIRE(refused > 300);
    REQUIRE(contains(cause_of([] { parse_sentencepiece_model("", "f"); }), "no pieces"));
    REQUIRE(contains(cause_of([] { parse_sentencepiece_model("\x0a\xff\x01", "f"); }), "byte 3: a field ends after"));
}

TEST_CASE("base64 and back, and nothing else") {
    Numbers numbers(9);
    for (size_t size = 0; size < 50; ++size) {
        const std::string bytes = numbers.bytes(size);
        REQUIRE(from_base64(to_base64(bytes)) == bytes);
    }
    REQUIRE(to_base64("gradus") == "Z3JhZHVz");
    REQUIRE(to_base64("step") == "c3RlcA==");
    for (const char* text : {"A", "AA", "AAA", "A===", "AB==", "AAB=", "AA==AAAA", "AA=A", "A A=", "===="})
        REQUIRE_FALSE(from_base64(text));
}

TEST_CASE("a tiktoken file is read, written and refused by line") {
    const TiktokenVocabulary vocabulary = parse_tiktoken("YQ== 0\r\nYg== 1\n\nYWI= 3\n", "f");
    REQUIRE(vocabulary == TiktokenVocabulary{"a", "b", "", "ab"});
    REQUIRE(write_tiktoken(vocabulary) == "YQ== 0\nYg== 1\nYWI= 3\n");
    const TiktokenMerges merges = recover_merges({"a", "b", "", "ab", "abc", "abab", "c", "bc"});
    REQUIRE(merges.merges == std::vector<parts::Merge>{{0, 1, 3}, {3, 6, 4}, {3, 3, 5}, {1, 6, 7}});
    REQUIRE(recover_merges({"a", "b", "c", "abc"}).unmergeable == std::vector<int32_t>{3});
    REQUIRE(contains(cause_of_tiktoken(""), "f:1: there is no token"));
    REQUIRE(contains(cause_of_tiktoken("YQ== 0\nYg==1\n"), "f:2: a line is a token"));
    REQUIRE(contains(cause_of_tiktoken("YQ= 0\n"), "not base64"));
    REQUIRE(contains(cause_of_tiktoken("YQ== 0x\n"), "not a number"));
    REQUIRE(contains(cause_of_tiktoken("YQ== 99999999\n"), "far above"));
    REQUIRE(contains(cause_of_tiktoken("YQ== 0\nYg== 0\n"), "f:2: the rank 0 is there twice"));
    REQUIRE(contains(cause_of_tiktoken("YQ== 0\nYQ== 1\n"), "the token is there twice"));
    REQUIRE(contains(cause_of_tiktoken("\x1f\x8b\x08\n"), "a line is a token"));
}

TEST_CASE("every merge of OpenAI's vocabularies is recovered") {
    for (const auto& [name, size] : {std::pair("cl100k_base", 100256), std::pair("o200k_base", 199998)}) {
        const fs::path path = shared_data() / "vocab" / (std::string(name) + ".tiktoken.gz");
        if (!fs::exists(path)) {
            WARN("skipped: " << path << " is not there");
            continue;
        }
        const std::string text = unpacked(path);
        const TiktokenVocabulary vocabulary = parse_tiktoken(text, name);
        REQUIRE(vocabulary.size() == size_t(size));
        REQUIRE(write_tiktoken(vocabulary) == text);
        const TiktokenMerges merges = recover_merges(vocabulary);
        REQUIRE(merges.unmergeable.empty());
        REQUIRE(merges.merges.size() == size_t(size) - 256);
        for (const parts::Merge& merge : merges.merges)
            REQUIRE(vocabulary[size_t(merge.left)] + vocabulary[size_t(merge.right)] ==
                    vocabulary[size_t(merge.result)]);
    }
}

TEST_CASE("vocab.txt is read, written and refused by line") {
    const std::vector<std::string> names = parse_vocab_txt("[PAD]\r\n[UNK]\n\n##s\n\u00e9", "f");
    REQUIRE(names == std::vector<std::string>{"[PAD]", "[UNK]", "", "##s", "\u00e9"});
    REQUIRE(parse_vocab_txt(write_vocab_txt(names), "f") == names);
    REQUIRE(contains(cause_of([] { parse_vocab_txt("a\n\xff\n", "f"); }), "f:2: the token is not UTF-8"));
    REQUIRE(contains(cause_of([] { parse_vocab_txt("\n\n", "f"); }), "no token"));
    REQUIRE_THROWS_AS(write_vocab_txt({"a\nb"}), Error);
}
