#!/usr/bin/env python3
"""Writes tokenizer/unicode/table_*.cpp: what Hugging Face tokenizers does with every code point.

The library mixes several versions of Unicode: its regular expressions and its word characters follow 16.0, lower case the version of its
compiler, normal forms 9.0, and BERT's punctuation and control characters an older one. So each table is the library's behavior, asked for
code point by code point, and no version is a setting here: another version of the library gives other tables.

    pip install tokenizers && python3 tools/generate/unicode_properties.py
"""
import pathlib
import struct
import unicodedata

import tokenizers
from tokenizers import Regex, normalizers, pre_tokenizers

CODE_POINTS = 0x110000
CODES = [code for code in range(CODE_POINTS) if not 0xD800 <= code < 0xE000]
EVERYTHING = "".join(map(chr, CODES))
CATEGORIES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co Cn".split()
# Bits of a code point's properties above its category, as in tokenizer/unicode/properties.h.
FLAGS = ["word", "pattern_word", "white_space", "alphabetic", "uppercase", "lowercase", "control", "nonspacing", "mark", "punctuation",
         "numeric"]
BREAKS = ["other", "control", "extend", "spacing", "prepend", "pictographic", "consonant", "linker", "joining"]
SCRIPTS = """Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali Bhaiksuki Bopomofo Brahmi
Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee Chorasmian Common Coptic Cuneiform Cypriot
Cypro_Minoan Cyrillic Deseret Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs Elbasan Elymaic Ethiopic Garay Georgian
Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi Gurmukhi Gurung_Khema Han Hangul Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana
Imperial_Aramaic Inherited Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Katakana Kawi Kayah_Li Kharoshthi
Khitan_Small_Script Khmer Khojki Khudawadi Kirat_Rai Lao Latin Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani Makasar
Malayalam Mandaic Manichaean Marchen Masaram_Gondi Medefaidrin Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Miao
Modi Mongolian Mro Multani Myanmar Nabataean Nag_Mundari Nandinagari New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham Ol_Chiki
Ol_Onal Old_Hungarian Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian Old_South_Arabian Old_Turkic Old_Uyghur Oriya
Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian
Siddham SignWriting Sinhala Sogdian Sora_Sompeng Soyombo Sundanese Sunuwar Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet
Takri Tamil Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Todhri Toto Tulu_Tigalari Ugaritic Vai Vithkuqi Wancho
Warang_Citi Yezidi Yi Zanabazar_Square""".split()


def matching(pattern):
    """The code points that a regular expression of one character matches."""
    split = pre_tokenizers.Split(Regex(pattern + "+"), "removed", invert=True)
    return {ord(c) for piece, _ in split.pre_tokenize_str(EVERYTHING) for c in piece}


def removed_by(normalizer):
    return {code for code in CODES if normalizer.normalize_str(chr(code)) == ""}


def isolated_by(split):
    """The code points that do not stay with the letter before them."""
    return {code for code in CODES if len(split.pre_tokenize_str("a" + chr(code))) != 1 or
            split.pre_tokenize_str("a" + chr(code))[0][0] != "a" + chr(code)}


def properties():
    category = [29] * CODE_POINTS
    for index, name in enumerate(CATEGORIES):
        for code in matching(rf"\p{{{name}}}"):
            category[code] = index
    for code in range(0xD800, 0xE000):
        category[code] = CATEGORIES.index("Cs")
    bert = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    accents = normalizers.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False)
    white_space = isolated_by(pre_tokenizers.WhitespaceSplit())
    sets = {
        "word": set(CODES) - isolated_by(pre_tokenizers.Whitespace()),
        "pattern_word": matching(r"\w"),
        "white_space": white_space,
        "alphabetic": matching(r"\p{Alphabetic}"),
        "uppercase": matching(r"\p{Uppercase}"),
        "lowercase": matching(r"\p{Lowercase}"),
        "control": removed_by(bert),
        "nonspacing": removed_by(accents),
        "mark": removed_by(normalizers.StripAccents()),
        "punctuation": isolated_by(pre_tokenizers.Punctuation()),
        "numeric": isolated_by(pre_tokenizers.Digits()),
    }
    assert matching(r"\s") == white_space
    breaks = grapheme_breaks()
    return [category[code] | sum(1 << 5 + bit for bit, name in enumerate(FLAGS) if code in sets[name]) |
            BREAKS.index(breaks.get(code, "other")) << 16 for code in range(CODE_POINTS)]


def cluster_counter():
    """Counts a text's characters, where a grapheme cluster of less than six bytes counts as one.

    The charsmap replaces whatever begins with any byte by one X, and the normalizer looks up clusters of less than six bytes, else characters.
    """
    units = [0] * 1024
    units[0] = 256 << 10
    for byte in range(1, 256):
        units[256 + byte] = byte | 1 << 8 | ((256 + byte) ^ 512) << 10
    charsmap = struct.pack("<I", 4 * len(units)) + struct.pack(f"<{len(units)}I", *units) + b"X\0"
    normalizer = normalizers.Precompiled(charsmap)
    return lambda text: len(normalizer.normalize_str(text))


def grapheme_breaks():
    count = cluster_counter()
    acute, joiner, sign, ka, virama = "\u0301", "\u200d", "\u00a9", "\u0915", "\u094d"
    breaks = {}
    for code in CODES[1:]:
        c = chr(code)
        if count("a" + c) == 1:
            if count(sign + c + joiner + sign + acute) != 5:
                breaks[code] = "spacing"
            elif count(ka + c + ka + acute) == 4:
                breaks[code] = "linker"
            elif count(ka + c + virama + ka + acute) == 5:
                breaks[code] = "joining"
            else:
                breaks[code] = "extend"
        elif count(c + "a") == 1:
            breaks[code] = "prepend"
        elif count(c + acute + acute) == 2:
            breaks[code] = "control"
        elif count(c + joiner + sign + acute) == 4:
            breaks[code] = "pictographic"
        elif count(c + virama + ka + acute) == 4:
            breaks[code] = "consonant"
    breaks[0] = "control"
    return breaks


def pattern_scripts():
    scripts = [0] * CODE_POINTS
    known = []
    for name in SCRIPTS:
        try:
            codes = matching(rf"\p{{{name}}}")
        except Exception:
            continue  # a script of a later version
        known.append(name)
        for code in codes:
            scripts[code] = len(known)
    return known, scripts


def splitting_scripts():
    """A number for each script of the pre-tokenizer UnicodeScripts; 0 for the code points that belong to every script."""
    split = pre_tokenizers.UnicodeScripts().pre_tokenize_str
    together = lambda a, b: len(split(a + b)) == 1
    scripts, members = [0] * CODE_POINTS, []
    last = 0
    for code in CODES:
        c = chr(code)
        if together("a", c) and together("\u0431", c):
            continue
        if not (last and together(members[last - 1], c)):
            last = next((i + 1 for i, member in enumerate(members) if together(member, c)), 0)
            if not last:
                members.append(c)
                last = len(members)
        scripts[code] = last
    return scripts


def decompositions():
    nfd, nfkd = normalizers.NFD().normalize_str, normalizers.NFKD().normalize_str
    syllable = lambda code: 0xAC00 <= code < 0xAC00 + 11172
    canonical = {code: nfd(chr(code)) for code in CODES if not syllable(code) and nfd(chr(code)) != chr(code)}
    compatible = {code: nfkd(chr(code)) for code in CODES if not syllable(code) and nfkd(chr(code)) != nfd(chr(code))}
    return canonical, compatible


def compositions(canonical):
    """{result: (first, second)}: of every code point that NFC keeps although NFD takes it apart, whose last part stays as it is."""
    nfc = normalizers.NFC().normalize_str
    pairs = {}
    for code, parts in canonical.items():
        if nfc(chr(code)) == chr(code) and len(parts) > 1:
            first = nfc(parts[:-1])
            assert len(first) == 1 and nfc(first + parts[-1]) == chr(code), hex(code)
            pairs[code] = (ord(first), ord(parts[-1]))
    return pairs


def combining_classes():
    """Of every code point its class, by the order that NFD gives it beside one mark of each class."""
    nfd = normalizers.NFD().normalize_str
    behind = lambda a, b: a != b and nfd("a" + a + b) == "a" + b + a  # class of a > class of b > 0
    # A mark of each class: of those that move before U+0345 (240, the highest) or behind U+0334 (1).
    lowest, highest = "\u0334", "\u0345"
    classes = [0] * CODE_POINTS
    marks = [c for c in map(chr, CODES) if nfd(c) == c and (behind(c, lowest) or behind(highest, c))]
    known = {230: "\u0300", 220: "\u0316", 202: "\u0327", 240: highest, 1: lowest}
    for c in marks:
        known.setdefault(unicodedata.combining(c), c)
    known.pop(0, None)
    order = sorted(known)
    for lower, higher in zip(order, order[1:]):
        assert behind(known[higher], known[lower]), (lower, higher)
    for c in marks:
        below = [k for k in order if behind(c, known[k])]
        above = [k for k in order if behind(known[k], c)]
        exact = [k for k in order if k not in below and k not in above]
        assert len(exact) == 1, (hex(ord(c)), exact)
        classes[ord(c)] = exact[0]
    return classes


def lower_case():
    lower = normalizers.Lowercase().normalize_str
    return {code: lower(chr(code)) for code in CODES if lower(chr(code)) != chr(code)}


def runs(values):
    """Alternately the length of a run and its value."""
    out, start = [], 0
    for code in range(1, len(values) + 1):
        if code == len(values) or values[code] != values[start]:
            out += [code - start, values[start]]
            start = code
    return out


def mappings(table):
    """For each code point: its distance from the one before, the number of code points it becomes, and these."""
    out, last = [], 0
    for code in sorted(table):
        out += [code - last, len(table[code])] + [ord(c) for c in table[code]]
        last = code
    return out


def array(name, numbers):
    lines, line = [], "    "
    for number in numbers:
        cell = f"{number},"
        if len(line) + len(cell) > 120:
            lines.append(line)
            line = "    "
        line += cell
    lines.append(line)
    body = "\n".join(lines)
    return f"static constexpr uint32_t {name}_data[] = {{\n{body}\n}};\n\nconst Numbers<uint32_t> {name} = {{{name}_data, {len(numbers)}}};\n"


def write(file, what, tables, names=()):
    path = pathlib.Path(__file__).resolve().parents[2] / "tokenizer/unicode" / file
    text = f"""// {what}
// Written by tools/generate/unicode_properties.py, which asked Hugging Face tokenizers {tokenizers.__version__} about each code point.
#include "tokenizer/unicode/tables.h"

namespace gradus::unicode_tables {{

// clang-format off
""" + "\n".join(array(*table) for table in tables)
    if names:
        lines, line = [], "   "
        for name in names:
            if len(line) + len(name) + 4 > 120:
                lines.append(line)
                line = "   "
            line += f' "{name}",'
        text += "\nstatic constexpr const char* script_name_data[] = {\n" + "\n".join(lines + [line]) + "\n};\n\n" + \
            f"const Numbers<const char*> script_names = {{script_name_data, {len(names)}}};\n"
    path.write_text(text + "// clang-format on\n\n}  // namespace gradus::unicode_tables\n")


def main():
    print("properties")
    values = properties()
    distinct = sorted(set(values))
    index = {value: i for i, value in enumerate(distinct)}
    write("table_properties.cpp", "Categories and the other properties of code points.",
          [("property_values", distinct), ("property_runs", runs([index[v] for v in values]))])
    print("scripts")
    names, scripts = pattern_scripts()
    write("table_scripts.cpp", "Scripts: those of regular expressions, and those that UnicodeScripts splits between.",
          [("script_runs", runs(scripts)), ("splitting_script_runs", runs(splitting_scripts()))], names)
    print("normal forms")
    canonical, compatible = decompositions()
    write("table_canonical.cpp", "Full canonical decompositions.", [("canonical_decompositions", mappings(canonical))])
    write("table_combining.cpp", "Combining classes and the pairs that compose.",
          [("combining_class_runs", runs(combining_classes())),
           ("compositions", [n for code, pair in sorted(compositions(canonical).items()) for n in (code, *pair)])])
    write("table_compatible.cpp", "Full compatibility decompositions, where they are not the canonical ones.",
          [("compatible_decompositions", mappings(compatible))])
    write("table_lower_case.cpp", "Full lower case.", [("lower_case_mappings", mappings(lower_case()))])


if __name__ == "__main__":
    main()
