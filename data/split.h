#pragma once
// Training and validation text.
//
//   hash   a document is for validation when its fingerprint, as a number in [0, 1), is below the fraction: the same
//          document goes to the same side in every run, whatever else is in the corpus
//   tail   the last fraction of all text, in order. The document at the cut is cut, between two characters. For a
//          corpus of one document (a book, all of Shakespeare) this is the way.
//
// Tail keeps the last fraction of what it has seen in memory, and nothing else.
#include <cstdint>
#include <deque>

#include "data/deduplicate.h"
#include "data/document.h"
#include "data/document_file.h"

namespace gradus {

enum class SplitRule { hash, tail };

struct SplitCounts {
    int64_t documents = 0, bytes = 0;
};

class Splitter {
public:
    // `validation` may be null when the fraction is 0.
    Splitter(SplitRule split, double fraction, DocumentFile& training, DocumentFile* validation);
    void add(Document document, const Fingerprint& print);
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
    std::deque<Document> tail_;  // not yet known to be before the cut
    uint64_t tail_begins_ = 0, bytes_ = 0;
};

}  // namespace gradus
