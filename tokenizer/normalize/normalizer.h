#pragma once
// Applies the normalizers of parts/normalizer.h, with or without offsets. The results, and the offsets, are those of Hugging Face tokenizers;
// bytes that are not UTF-8, which that library never sees, come out as they went in.
//
//   const TextNormalizer normalizer({Normalize{NormalForm::nfc}, Lowercase{}});
//   std::string text = normalizer("\u00C9t\u00E9");
//   AlignedText aligned("\u00C9t\u00E9");
//   normalizer(aligned);                      // aligned.range_of(i): the bytes of the original
//
// A TextNormalizer is immutable, and any thread may use it. Error, from the constructor: a pattern that does not compile, or a charsmap that
// is not one; from a call: a pattern that takes too many steps.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/normalize/aligned_text.h"
#include "tokenizer/parts/normalizer.h"

namespace gradus {

class TextNormalizer {
public:
    TextNormalizer() = default;  // changes nothing
    explicit TextNormalizer(const std::vector<parts::Normalizer>& steps);

    bool empty() const { return steps_.empty(); }
    void operator()(AlignedText& text) const;
    std::string operator()(std::string text) const;

    struct Step;

private:
    std::vector<std::shared_ptr<const Step>> steps_;
};

// One step that is used once.
void normalize(const parts::Normalizer& step, AlignedText& text);

}  // namespace gradus
