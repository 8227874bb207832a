#pragma once
// The normalizers that need no preparation. Each returns whether it changed anything; if not, `to` is to be ignored. Only normalizer.cpp
// includes this.
#include "tokenizer/normalize/aligned_text.h"
#include "tokenizer/parts/normalizer.h"

namespace gradus::normalize_steps {

bool normal_form(const AlignedText& from, AlignedText& to, parts::NormalForm form);
bool lowercase(const AlignedText& from, AlignedText& to);
bool strip(const AlignedText& from, AlignedText& to, bool left, bool right);
bool strip_accents(const AlignedText& from, AlignedText& to);
bool nmt(const AlignedText& from, AlignedText& to);
bool prepend(const AlignedText& from, AlignedText& to, const std::string& text);
bool byte_letters(const AlignedText& from, AlignedText& to);

// The steps of BertNormalizer.
bool bert_clean(const AlignedText& from, AlignedText& to);
bool bert_spaces_around_ideographs(const AlignedText& from, AlignedText& to);
bool bert_strip_accents(const AlignedText& from, AlignedText& to);

}  // namespace gradus::normalize_steps
