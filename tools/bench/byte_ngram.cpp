#include "tools/bench/byte_ngram.h"

#include <algorithm>
#include <cmath>

namespace gradus {

namespace {

uint64_t mixed(uint64_t x) {
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
    return x ^ x >> 32;
}

// The key of the last n bytes before position i; never 0, which marks an empty slot.
uint64_t key_of_context(std::string_view text, size_t i, int n) {
    uint64_t packed = uint64_t(n) + 1;
    for (int k = 1; k <= n; ++k) packed = packed << 8 | uint8_t(text[i - size_t(k)]);
    return packed;
}

uint64_t key_of_follower(uint64_t context, char c) { return mixed(context * 257 + uint8_t(c) + 1) | 1; }

}  // namespace

ByteNgram::Table::Slot& ByteNgram::Table::at(uint64_t key) {
    if (2 * used >= slots.size()) grow();
    size_t i = mixed(key) & (slots.size() - 1);
    while (slots[i].key != 0 && slots[i].key != key) i = (i + 1) & (slots.size() - 1);
    if (slots[i].key == 0) {
        slots[i].key = key;
        ++used;
    }
    return slots[i];
}

const ByteNgram::Table::Slot* ByteNgram::Table::find(uint64_t key) const {
    size_t i = mixed(key) & (slots.size() - 1);
    while (slots[i].key != 0 && slots[i].key != key) i = (i + 1) & (slots.size() - 1);
    return slots[i].key == 0 ? nullptr : &slots[i];
}

void ByteNgram::Table::grow() {
    std::vector<Slot> old(slots.size() * 2);
    old.swap(slots);
    for (const Slot& s : old) {
        if (s.key == 0) continue;
        size_t i = mixed(s.key) & (slots.size() - 1);
        while (slots[i].key != 0) i = (i + 1) & (slots.size() - 1);
        slots[i] = s;
    }
}

void ByteNgram::learn(std::string_view text) {
    for (size_t i = 0; i < text.size(); ++i)
        for (int n = 0; n <= std::min<int>(order_, int(std::min<size_t>(i, 7))); ++n) {
            const uint64_t context = key_of_context(text, i, n);
            const bool new_kind = followers_.at(key_of_follower(context, text[i])).count++ == 0;
            Table::Slot& h = contexts_.at(context);
            ++h.count;
            h.kinds += new_kind;
        }
}

double ByteNgram::bits(std::string_view text) const {
    double total = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        double p = 1.0 / 256;
        for (int n = 0; n <= std::min<int>(order_, int(std::min<size_t>(i, 7))); ++n) {
            const uint64_t context = key_of_context(text, i, n);
            const Table::Slot* h = contexts_.find(context);
            if (!h) break;
            const Table::Slot* hc = followers_.find(key_of_follower(context, text[i]));
            p = ((hc ? hc->count : 0) + h->kinds * p) / (double(h->count) + h->kinds);
        }
        total -= std::log2(p);
    }
    return total;
}

}  // namespace gradus
