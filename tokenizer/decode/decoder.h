#pragma once
// Applies the decoders of parts/decoder.h: from the names of tokens to text, as Hugging Face tokenizers does.
//
//   const TextDecoder decoder({WordPieceDecoder{}});
//   decoder({"hel", "##lo", "!"});          // "hello!"
//
// A TextDecoder is immutable, and any thread may use it. Error, from the constructor: a pattern that does not compile, a Strip or a
// replacement that is not one character; from a call: a pattern that takes too many steps.
#include <functional>
#include <string>
#include <vector>

#include "tokenizer/parts/decoder.h"

namespace gradus {

class TextDecoder {
public:
    TextDecoder() = default;  // joins the names with spaces
    explicit TextDecoder(const std::vector<parts::Decoder>& steps);

    std::string operator()(std::vector<std::string> names) const;
    // The texts after the last step.
    void chain(std::vector<std::string>& texts) const;

private:
    std::vector<std::function<void(std::vector<std::string>&)>> steps_;
};

// One step that is used once.
void decode_chain(const parts::Decoder& step, std::vector<std::string>& texts);

}  // namespace gradus
