// A SentencePiece model, a .tiktoken or a vocab.txt is the same when it is written and read again, and encodes any text,
// or is an Error.
#include "tests/fuzz/reading.h"
#include "tokenizer/files/sentencepiece_parts.h"
#include "tokenizer/files/tiktoken_file.h"
#include "tokenizer/files/vocab_txt.h"
#include "tokenizer/models/word_piece.h"

using namespace gradus;
using namespace gradus::fuzzing;

namespace {

template <class Work>
void or_error(const Work& work) {
    try {
        work();
    } catch (const Error& e) { check(e); }
}

// The ids with and without the cache are the same.
template <class Encoder>
void encode(const Encoder& model, const TokenNames& names, const std::string& text) {
    std::vector<ModelToken> tokens;
    std::vector<int32_t> ids, of_tokens;
    model.encode(text, tokens);
    model.encode(text, ids);
    append_ids(tokens, of_tokens);
    require(ids == of_tokens);
    for (const int32_t id : ids) require(id >= 0 && size_t(id) < names.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string input = as_text(data, size), text = "\u2581a\u2581step's\xff <0x41>\n" + input.substr(0, 200);
    or_error([&] {
        const SentencePieceModel model = parse_sentencepiece_model(input, "a.model");
        require(parse_sentencepiece_model(write_sentencepiece_model(model), "written") == model);
        const TokenNames names = names_of(model);
        if (model.algorithm == SentencePieceModel::Algorithm::bpe) {
            const SentencePieceBpe bpe = bpe_of(model);
            encode(BpeModel(bpe.parts, names, bpe.rules), names, text);
        } else {
            const SentencePieceUnigram unigram = unigram_of(model);
            const UnigramModel encoder(unigram.parts, names, unigram.rules);
            encode(encoder, names, text);
            encoder.best_ways(text, 3);
            encoder.sample(text, 0.1, 1, 2);
        }
    });
    or_error([&] {
        const TiktokenVocabulary vocabulary = parse_tiktoken(input, "a.tiktoken");
        require(parse_tiktoken(write_tiktoken(vocabulary), "written") == vocabulary);
        recover_merges(vocabulary);
    });
    or_error([&] {
        const std::vector<std::string> names = parse_vocab_txt(input, "vocab.txt");
        require(parse_vocab_txt(write_vocab_txt(names), "written") == names);
        encode(WordPieceModel({names.back()}, names), names, text);
    });
    return 0;
}
