#pragma once
// Applies the pre-tokenizers of parts/pre_tokenizer.h, with or without offsets. Results and offsets are those of Hugging Face tokenizers.
//
//   SplitText split(AlignedText("Hello there!"));
//   TextPreTokenizer({Whitespace{}})(split);     // pieces "Hello", "there", "!" of split.aligned.text
//
// A TextPreTokenizer is immutable, and any thread may use it. Error, from the constructor: a pattern that does not compile, a FixedLength of
// 0, a delimiter that is not one character; from a call: a pattern that takes too many steps.
#include <functional>
#include <string_view>
#include <vector>

#include "tokenizer/normalize/aligned_text.h"
#include "tokenizer/parts/pre_tokenizer.h"

namespace gradus {

// The bytes [begin, end) of a text, never none, and what they stand for in the original, if the text is tracked.
struct Piece {
    size_t begin, end;
    ByteRange original;
};

// A text and its pieces, which are in order and do not overlap. What is in no piece is dropped.
struct SplitText {
    AlignedText aligned;
    std::vector<Piece> pieces;

    // One piece, the whole text, which stands for `original`. None if the text is empty.
    SplitText(AlignedText text, ByteRange original);
    // A text that is its original.
    explicit SplitText(const AlignedText& text)
        : SplitText(text, {text.shift, uint32_t(text.shift + text.text.size())}) {}

    std::string_view text_of(const Piece& piece) const {
        return std::string_view(aligned.text).substr(piece.begin, piece.end - piece.begin);
    }
};

class TextPreTokenizer {
public:
    TextPreTokenizer() = default;  // leaves the text one piece
    explicit TextPreTokenizer(const std::vector<parts::PreTokenizer>& steps);

    bool empty() const { return steps_.empty(); }
    // Whether the pieces depend on offsets, so that the text must be tracked: Metaspace with PrependScheme::first after another step.
    bool needs_offsets() const { return needs_offsets_; }
    void operator()(SplitText& text) const;

private:
    std::vector<std::function<void(SplitText&)>> steps_;
    bool needs_offsets_ = false;
};

// One step that is used once.
void split(const parts::PreTokenizer& step, SplitText& text);

}  // namespace gradus
