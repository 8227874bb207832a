#pragma once
// Splits documents into training and validation text.
//
//   hash   a document is validation text if its hash, as a number in [0, 1), is below the fraction: a document is in the
//          same split in every run, whatever else is in the corpus
//   tail   the last fraction of all text, in order. The document at the boundary is cut, between two characters. For a
//          corpus of one document (a book, all of Shakespeare).
//
// Tail keeps only the last fraction of the text so far in memory.
#include <cstdint>
#include <deque>

#include "data/deduplicate.h"
#include "data/document.h"
#include "data/document_file.h"

namespace gradus {

enum class SplitRule { hash, tail };
const char* name_of(SplitRule);  // "hash", "tail"

struct SplitCounts {
    int64_t documents = 0, bytes = 0;
};

class Splitter {
public:
    // `validation` may be null if the fraction is 0.
    Splitter(SplitRule split, double fraction, DocumentFile& training, DocumentFile* validation);
    void add(Document document, const TextHash& hash);
    void finish();

    const SplitCounts& training() const { return training_counts_; }
    const SplitCounts& validation() const { return validation_counts_; }

private:
    void put(const Document& document, bool to_validation);
    uint64_t cut() const;

    SplitRule split_;
    double fraction_;
    DocumentFile& training_;
    DocumentFile* validation_;
    SplitCounts training_counts_, validation_counts_;
    std::deque<Document> tail_;  // documents that may still be in the last fraction
    uint64_t tail_begins_ = 0, bytes_ = 0;
};

}  // namespace gradus
