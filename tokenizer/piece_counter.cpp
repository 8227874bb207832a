// Counting pieces: a hash table with its strings in one arena, and one such table per thread.
#include "tokenizer/piece_counter.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "engine/base/error.h"
#include "tokenizer/piece_key.h"
#include "tokenizer/scan/scan.h"
#include "tokenizer/threads.h"

namespace gradus {

void PieceCounter::add(std::string_view piece, uint64_t hash, int64_t count) {
    size_t at = hash & (slots_.size() - 1);
    for (; slots_[at].count != 0; at = (at + 1) & (slots_.size() - 1))
        if (slots_[at].hash == hash && bytes_of(slots_[at]) == piece) {
            slots_[at].count += count;
            return;
        }
    slots_[at] = {hash, count, arena_.size(), piece.size()};
    arena_ += piece;
    if (++used_ * 2 > slots_.size()) grow();
}

void PieceCounter::grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
        if (slot.count == 0) continue;
        size_t at = slot.hash & (slots_.size() - 1);
        while (slots_[at].count != 0) at = (at + 1) & (slots_.size() - 1);
        slots_[at] = slot;
    }
}

void PieceCounter::add_pieces_of(std::string_view text, KnownPattern pattern) {
    for_each_piece(pattern, text, [&](std::string_view piece) { add(piece, hash_piece(piece), 1); });
}

void PieceCounter::add(const PieceCounter& other) {
    for (const Slot& slot : other.slots_)
        if (slot.count != 0) add(other.bytes_of(slot), slot.hash, slot.count);
}

std::vector<PieceCounter::Piece> PieceCounter::sorted() const {
    std::vector<Piece> pieces;
    pieces.reserve(used_);
    for (const Slot& slot : slots_)
        if (slot.count != 0) pieces.push_back({bytes_of(slot), slot.count, slot.hash});
    std::sort(pieces.begin(), pieces.end(),
              [](const Piece& a, const Piece& b) { return a.hash != b.hash ? a.hash < b.hash : a.bytes < b.bytes; });
    return pieces;
}

PieceCounter count_pieces(const TextSource& next, KnownPattern pattern, int threads,
                          const std::function<void(CountingProgress)>& report) {
    CHECK(threads >= 1);
    constexpr size_t batch_bytes = size_t(1) << 20;
    std::mutex source;  // guards the variables below
    CountingProgress progress;
    bool ended = false;
    const auto stop = [&] {
        const std::lock_guard lock(source);
        ended = true;
    };

    // A batch of texts that is worth a thread's while; empty at the end.
    const auto take = [&] {
        std::vector<std::string> texts;
        const std::lock_guard lock(source);
        bool more = !std::exchange(ended, true);  // if anything here throws, the others see the end
        size_t bytes = 0;
        for (std::string text; more && bytes < batch_bytes; text.clear()) {
            if (!(more = next(text))) break;
            bytes += text.size();
            texts.push_back(std::move(text));
        }
        progress.texts += texts.size();
        progress.bytes += bytes;
        if (report) report(progress);
        ended = !more;
        return texts;
    };

    std::vector<PieceCounter> counters{size_t(threads)};
    run_in_threads(threads, [&](int thread) {
        try {
            for (std::vector<std::string> texts = take(); !texts.empty(); texts = take())
                for (const std::string& text : texts) counters[size_t(thread)].add_pieces_of(text, pattern);
        } catch (...) {  // the others can stop
            stop();
            throw;
        }
    });

    for (size_t i = 1; i < counters.size(); ++i) {
        counters[0].add(counters[i]);
        counters[i] = PieceCounter();
    }
    return std::move(counters[0]);
}

}  // namespace gradus
