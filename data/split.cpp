#include "data/split.h"

#include <algorithm>

#include "data/text.h"
#include "engine/base/error.h"

namespace gradus {

const char* name_of(SplitRule split) { return split == SplitRule::tail ? "tail" : "hash"; }

Splitter::Splitter(SplitRule split, double fraction, DocumentFile& training, DocumentFile* validation)
    : split_(split), fraction_(fraction), training_(training), validation_(validation) {
    CHECK(fraction >= 0 && fraction < 1 && (validation || fraction == 0));
}

void Splitter::put(const Document& document, bool to_validation) {
    if (document.text.empty()) return;
    SplitCounts& counts = to_validation ? validation_counts_ : training_counts_;
    (to_validation ? *validation_ : training_).add(document);
    ++counts.documents;
    counts.bytes += int64_t(document.text.size());
}

uint64_t Splitter::cut() const { return std::min(bytes_, uint64_t(double(bytes_) * (1 - fraction_))); }

void Splitter::add(Document document, const TextHash& hash) {
    if (split_ == SplitRule::hash) {
        put(document, double(hash.low >> 11) * 0x1p-53 < fraction_);
        return;
    }
    bytes_ += document.text.size();
    tail_.push_back(std::move(document));
    // The cut only moves forward, so documents that end before it stay training text.
    while (!tail_.empty() && tail_begins_ + tail_.front().text.size() <= cut()) {
        tail_begins_ += tail_.front().text.size();
        put(tail_.front(), false);
        tail_.pop_front();
    }
}

void Splitter::finish() {
    for (bool first = true; !tail_.empty(); first = false) {
        const Document& document = tail_.front();
        // Only the first can begin before the cut: add() has written everything that ends before it.
        const size_t at = first ? character_boundary(document.text, size_t(cut() - std::min(cut(), tail_begins_))) : 0;
        if (fraction_ == 0) {
            put(document, false);
        } else {
            put({document.text.substr(0, at), document.source}, false);
            put({document.text.substr(at), document.source}, true);
        }
        tail_.pop_front();
    }
}

}  // namespace gradus
