#include "data/decode.h"

#include <algorithm>

#include "data/encoding_index.h"
#include "data/text.h"
#include "tokenizer/unicode.h"

namespace gradus {

namespace {

constexpr char32_t replacement = 0xFFFD;

bool in(unsigned byte, unsigned low, unsigned high) { return byte >= low && byte <= high; }

// Reads bytes and writes characters; a decoder is a function on it that reads one character or writes one error.
struct Stream {
    std::string_view bytes;
    std::string text;
    size_t at = 0;

    static constexpr unsigned end = 256;
    unsigned peek(size_t ahead = 0) const {
        return at + ahead < bytes.size() ? unsigned(uint8_t(bytes[at + ahead])) : end;
    }
    void put(char32_t character) { append_utf8(text, character); }

    // Writes a character, or U+FFFD for 0, and advances past its bytes.
    void consume(size_t count, char32_t character) {
        put(character ? character : replacement);
        at = std::min(at + count, bytes.size());
    }
    // For two bytes; if they are not a character and the second is ASCII, the second is read again.
    void consume_pair(char32_t character, unsigned trail) {
        consume(character || !in(trail, 0, 0x7f) ? 2 : 1, character);
    }
};

char32_t entry(const EncodingIndex& index, size_t pointer) { return pointer < index.size() ? index[pointer] : 0; }

void read_gb18030(Stream& s, const EncodingIndex& index, const EncodingIndex& four) {
    const unsigned first = s.peek(), second = s.peek(1);
    if (first == 0x80) return s.consume(1, 0x20AC);
    if (first == 0xFF) return s.consume(1, 0);
    if (!in(second, 0x30, 0x39)) {
        const bool possible = in(second, 0x40, 0x7e) || in(second, 0x80, 0xfe);
        const unsigned offset = second < 0x7f ? 0x40 : 0x41;
        return s.consume_pair(possible ? entry(index, (first - 0x81) * 190 + second - offset) : 0, second);
    }
    const unsigned third = s.peek(2), fourth = s.peek(3);
    const bool cut_off = third == Stream::end || (in(third, 0x81, 0xfe) && fourth == Stream::end);
    if (cut_off) return s.consume(4, 0);
    if (!in(third, 0x81, 0xfe) || !in(fourth, 0x30, 0x39)) return s.consume(1, 0);
    const unsigned pointer = ((first - 0x81) * 10 + second - 0x30) * 1260 + (third - 0x81) * 10 + fourth - 0x30;
    const bool beyond = in(pointer, 189000, 1237575);
    s.consume(4, beyond ? 0x10000 + pointer - 189000 : entry(four, pointer));
}

void read_big5(Stream& s, const EncodingIndex& index) {
    const unsigned lead = s.peek(), trail = s.peek(1);
    if (!in(lead, 0x81, 0xfe)) return s.consume(1, 0);
    const bool possible = in(trail, 0x40, 0x7e) || in(trail, 0xa1, 0xfe);
    const unsigned pointer = possible ? (lead - 0x81) * 157 + trail - (trail < 0x7f ? 0x40 : 0x62) : 0;
    // Four pairs are a letter and an accent.
    const bool with_macron = pointer == 1133 || pointer == 1164, with_caron = pointer == 1135 || pointer == 1166;
    if (possible && (with_macron || with_caron)) {
        s.put(pointer < 1150 ? 0xCA : 0xEA);
        return s.consume(2, with_macron ? 0x304 : 0x30C);
    }
    s.consume_pair(possible ? entry(index, pointer) : 0, trail);
}

void read_euc_kr(Stream& s, const EncodingIndex& index) {
    const unsigned lead = s.peek(), trail = s.peek(1);
    if (!in(lead, 0x81, 0xfe)) return s.consume(1, 0);
    s.consume_pair(in(trail, 0x41, 0xfe) ? entry(index, (lead - 0x81) * 190 + trail - 0x41) : 0, trail);
}

void read_shift_jis(Stream& s, const EncodingIndex& index) {
    const unsigned lead = s.peek(), trail = s.peek(1);
    if (lead == 0x80) return s.consume(1, 0x80);
    if (in(lead, 0xa1, 0xdf)) return s.consume(1, 0xFF61 - 0xa1 + lead);
    if (!in(lead, 0x81, 0x9f) && !in(lead, 0xe0, 0xfc)) return s.consume(1, 0);
    const bool possible = in(trail, 0x40, 0x7e) || in(trail, 0x80, 0xfc);
    const unsigned pointer = (lead - (lead < 0xa0 ? 0x81 : 0xc1)) * 188 + trail - (trail < 0x7f ? 0x40 : 0x41);
    s.consume_pair(possible ? entry(index, pointer) : 0, trail);
}

constexpr unsigned jis_rows = 94;  // the part of the table that EUC and ISO-2022 can encode

void read_euc_jp(Stream& s, const EncodingIndex& jis0208, const EncodingIndex& jis0212) {
    const unsigned lead = s.peek(), trail = s.peek(1);
    if (lead == 0x8e && in(trail, 0xa1, 0xdf)) return s.consume(2, 0xFF61 - 0xa1 + trail);
    if (lead == 0x8f && in(trail, 0xa1, 0xfe)) {
        ++s.at;
        const unsigned third = s.peek(1);
        return s.consume_pair(in(third, 0xa1, 0xfe) ? entry(jis0212, (trail - 0xa1) * jis_rows + third - 0xa1) : 0,
                              third);
    }
    if (lead != 0x8e && lead != 0x8f && !in(lead, 0xa1, 0xfe)) return s.consume(1, 0);
    const bool possible = lead >= 0xa1 && in(trail, 0xa1, 0xfe);
    s.consume_pair(possible ? entry(jis0208, (lead - 0xa1) * jis_rows + trail - 0xa1) : 0, trail);
}

std::string decode_iso_2022_jp(std::string_view bytes, const EncodingIndex& jis0208) {
    enum class Set { ascii, roman, katakana, pairs } set = Set::ascii;
    Stream stream{bytes, {}};
    bool after_escape = false;  // two escapes in a row are an error
    while (stream.at < bytes.size()) {
        const unsigned byte = stream.peek();
        if (byte == 0x1b) {
            const unsigned second = stream.peek(1), third = stream.peek(2);
            const bool known = (second == '(' && (third == 'B' || third == 'J' || third == 'I')) ||
                               (second == '$' && (third == '@' || third == 'B'));
            if (known) {
                set = second == '$'  ? Set::pairs
                      : third == 'B' ? Set::ascii
                      : third == 'J' ? Set::roman
                                     : Set::katakana;
                stream.at += 3;
                if (after_escape) stream.put(replacement);
                after_escape = true;
            } else {
                stream.put(replacement);
                ++stream.at;
                after_escape = false;
            }
            continue;
        }
        ++stream.at;
        if (set != Set::pairs) {
            after_escape = false;
            const bool plain = byte < 0x80 && byte != 0x0e && byte != 0x0f;
            if (set == Set::katakana) stream.put(in(byte, 0x21, 0x5f) ? 0xFF61 - 0x21 + byte : replacement);
            else if (!plain) stream.put(replacement);
            else if (set == Set::roman && byte == 0x5c) stream.put(0xA5);
            else if (set == Set::roman && byte == 0x7e) stream.put(0x203E);
            else stream.put(byte);
            continue;
        }
        after_escape = false;
        if (!in(byte, 0x21, 0x7e)) {
            stream.put(replacement);
            continue;
        }
        const unsigned trail = stream.peek();
        const char32_t character =
            in(trail, 0x21, 0x7e) ? entry(jis0208, (byte - 0x21) * jis_rows + trail - 0x21) : char32_t(0);
        stream.put(character ? character : replacement);
        if (trail != Stream::end && trail != 0x1b) ++stream.at;
    }
    return std::move(stream.text);
}

std::string decode_utf16(std::string_view bytes, bool big) {
    std::string text;
    text.reserve(bytes.size() + bytes.size() / 2);
    auto unit = [&](size_t at) {
        const unsigned a = uint8_t(bytes[at]), b = uint8_t(bytes[at + 1]);
        return char32_t(big ? a << 8 | b : b << 8 | a);
    };
    size_t at = 0;
    for (; at + 1 < bytes.size(); at += 2) {
        const char32_t first = unit(at);
        if (first < 0xD800 || first > 0xDFFF) {
            append_utf8(text, first);
            continue;
        }
        if (first < 0xDC00 && at + 3 >= bytes.size()) break;  // truncated: one error
        const char32_t second = first < 0xDC00 ? unit(at + 2) : char32_t(0);
        const bool pair = second >= 0xDC00 && second <= 0xDFFF;
        append_utf8(text, pair ? 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00) : replacement);
        if (pair) at += 2;
    }
    if (at < bytes.size()) append_utf8(text, replacement);
    return text;
}

// ASCII bytes are copied; `read` decodes what begins with another byte.
template <class Read>
std::string decode_non_ascii(std::string_view bytes, Read read) {
    Stream stream{bytes, {}};
    stream.text.reserve(bytes.size() + bytes.size() / 2);
    while (stream.at < bytes.size()) {
        if (uint8_t(bytes[stream.at]) < 0x80) stream.text += bytes[stream.at++];
        else read(stream);
    }
    return std::move(stream.text);
}

}  // namespace

std::optional<std::string> decode(std::string_view bytes, const Encoding& encoding) {
    switch (encoding.decoder) {
        case Decoder::utf8: return repair_utf8(bytes);
        case Decoder::utf16_be: return decode_utf16(bytes, true);
        case Decoder::utf16_le: return decode_utf16(bytes, false);
        case Decoder::replacement: return bytes.empty() ? "" : "\xEF\xBF\xBD";
        case Decoder::user_defined:
            return decode_non_ascii(bytes, [](Stream& s) { s.consume(1, 0xF780 - 0x80 + s.peek()); });
        case Decoder::single_byte: {
            const EncodingIndex& index = single_byte_index(encoding.iconv);
            if (index.empty()) return std::nullopt;
            return decode_non_ascii(bytes, [&](Stream& s) { s.consume(1, index[s.peek() - 0x80]); });
        }
        case Decoder::gb18030: {
            const EncodingIndex &index = gb18030_index(), &four = gb18030_four_byte_index();
            if (index.empty() || four.empty()) return std::nullopt;
            return decode_non_ascii(bytes, [&](Stream& s) { read_gb18030(s, index, four); });
        }
        case Decoder::big5: {
            const EncodingIndex& index = big5_index();
            if (index.empty()) return std::nullopt;
            return decode_non_ascii(bytes, [&](Stream& s) { read_big5(s, index); });
        }
        case Decoder::euc_kr: {
            const EncodingIndex& index = euc_kr_index();
            if (index.empty()) return std::nullopt;
            return decode_non_ascii(bytes, [&](Stream& s) { read_euc_kr(s, index); });
        }
        default: break;
    }
    const EncodingIndex &jis0208 = jis0208_index(), &jis0212 = jis0212_index();
    if (jis0208.empty() || jis0212.empty()) return std::nullopt;
    if (encoding.decoder == Decoder::iso_2022_jp) return decode_iso_2022_jp(bytes, jis0208);
    if (encoding.decoder == Decoder::shift_jis)
        return decode_non_ascii(bytes, [&](Stream& s) { read_shift_jis(s, jis0208); });
    return decode_non_ascii(bytes, [&](Stream& s) { read_euc_jp(s, jis0208, jis0212); });
}

}  // namespace gradus
