// A tokenizer.json is a tokenizer that gives texts back and is the same when it is written and read again, or an Error.
#include "tests/fuzz/reading.h"
#include "tokenizer/tokenizer.h"

using namespace gradus;
using namespace gradus::fuzzing;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string input = as_text(data, size);
    try {
        const Tokenizer tokenizer = Tokenizer::parse(input, "tokenizer.json");
        const std::string written = tokenizer.to_json();
        require(Tokenizer::parse(written, "written").to_json() == written);
        for (const int32_t id : tokenizer.parts().opening) require(id >= 0 && id < tokenizer.vocab_size());
        const std::string texts[] = {"A step's <|endoftext|> isn't\xff <x>\n", input.substr(0, 200)};
        for (const std::string& text : texts) {
            require(tokenizer.decode(tokenizer.encode(text)) == text);
            require(tokenizer.decode(tokenizer.encode_with_specials(text)) == text);
        }
    } catch (const Error& e) { check(e); }
    return 0;
}
