#!/usr/bin/env python3
"""Writes tokenizer/unicode_ranges.h: which code points the GPT-2 pattern classifies as letters, numbers and spaces.

The classes come from the Hugging Face pre-tokenizer, by its behaviour for every code point: a code point is a
letter if it joins two letters into one piece, a number if it joins two digits, neither if it joins two
exclamation marks, and a space if it joins nothing. So the tables follow the Unicode version that the library was
built with, and the ecosystem's vocabularies are used with the classes that they were trained with.

    pip install tokenizers && python3 tools/generate/unicode_tables.py
"""
import pathlib

import tokenizers
from tokenizers import pre_tokenizers

CODE_POINTS = 0x110000
SURROGATES = range(0xD800, 0xE000)
GLUES = {"letter": "a", "number": "1", "other": "!"}
# Letters in each version of Unicode, to identify the library's version.
LETTERS_OF_VERSION = {131756: "14.0", 136104: "15.0", 136726: "15.1", 141028: "16.0"}


def classify():
    split = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True).pre_tokenize_str
    classes = []
    for code in range(CODE_POINTS):
        if code in SURROGATES:
            classes.append("other")
            continue
        glued = [name for name, side in GLUES.items() if len(split(side + chr(code) + side)) == 1]
        assert len(glued) <= 1, hex(code)
        classes.append(glued[0] if glued else "space")
    return classes


def ranges_of(classes, wanted):
    found, first = [], None
    for code in range(CODE_POINTS + 1):
        inside = code < CODE_POINTS and classes[code] == wanted
        if inside and first is None:
            first = code
        if not inside and first is not None:
            found.append((first, code - 1))
            first = None
    return found


def fnv1a(data):
    digest = 0xCBF29CE484222325
    for byte in data:
        digest = ((digest ^ byte) * 0x100000001B3) & (2**64 - 1)
    return digest


def table(name, ranges):
    cells = [f"{{0x{first:X}, 0x{last:X}}}" for first, last in ranges]
    lines, line = [], "   "
    for cell in cells:
        if len(line) + len(cell) + 2 > 120:
            lines.append(line)
            line = "   "
        line += f" {cell},"
    lines.append(line)
    return f"inline constexpr CodeRange {name}[] = {{\n" + "\n".join(lines) + "\n};\n"


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    classes = classify()
    version = LETTERS_OF_VERSION.get(classes.count("letter"), "of an unknown version")
    order = ["other", "letter", "number", "space"]
    digest = fnv1a(bytes(order.index(name) for name in classes))
    text = f"""#pragma once
// Letters (general category L), numbers (N) and white space of Unicode {version}, as inclusive ranges of code points.
// Written by tools/generate/unicode_tables.py, which asked Hugging Face tokenizers {tokenizers.__version__} about each code point.
#include <cstdint>

namespace gradus {{

struct CodeRange {{
    char32_t first, last;
}};

// FNV-1a over the classes of all 0x110000 code points, one byte each: 0 other, 1 letter, 2 number, 3 space.
inline constexpr uint64_t all_classes_fnv1a = 0x{digest:X};

// clang-format off
"""
    text += "\n".join(table(f"{name}_ranges", ranges_of(classes, name)) for name in order[1:])
    text += "// clang-format on\n\n}  // namespace gradus\n"
    (root / "tokenizer" / "unicode_ranges.h").write_text(text)
    print({name: classes.count(name) for name in order}, "Unicode", version)


if __name__ == "__main__":
    main()
