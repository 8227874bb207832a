#!/usr/bin/env python3
"""Writes tests/goldens/tokenizer/: the results of Hugging Face tokenizers on awkward text, for our tests.

    gpt2.json         texts with the lengths of their pieces (in bytes) and their ids in GPT-2's vocabulary
    prose.json        the tokenizer.json that its BpeTrainer makes from prose.txt as one text
    prose_lines.json  the same from its lines, with a minimum frequency and two special tokens
    tokens.json       ids of some texts with those two, special tokens recognised

    pip install tokenizers && python3 tools/generate/tokenizer_goldens.py VOCAB_JSON MERGES_TXT TINYSHAKESPEARE_TXT
"""
import json
import pathlib
import random
import struct
import sys
import unicodedata

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "tests" / "goldens" / "tokenizer"
BYTE_LEVEL = dict(add_prefix_space=False, use_regex=True)

HAND_PICKED = [
    "", " ", "  ", "   ", "\n", "\n\n", " \n", "\n ", "\t", "\r\n", "\r\n\r\n", "a", " a", "  a", "a ", "a  ", "a  b", "a\n b",
    "a \n b", "a\n\n  b", "a\t\tb", " \t a", "\x00", "\x00\x00 a", "a\x00b", "\x7f", "\x0b\x0c", "\x1c\x1d\x1e\x1f", "\x85", "a\x85b",
    "'s", "'S", "x's", "x'S", "x 's", "'t 're 've 'm 'll 'd", "'T 'RE 'VE 'M 'LL 'D", "don't won't I'll they're we've I'm he'd",
    "DON'T", "''s", "'s's", "'sa", "'l", "'lll", "'r", "'re're", "'", "' s", " '", "a'", "'1", "\u2019s", "x\u2019s", "'\u017f", "'\u212a",
    "Hello, world!", "Hello  world", "1", "12 34", "1a2b", "a1 b2", "3.14", "1,000,000", "\u00bd\u2167\u0661\u0967", "x\u00b2", "\u2460a1",
    "\u00a0", "a\u00a0b", " \u00a0a", "\u00a0 a", "\u3000", "a\u3000b", "\u3000\u3000a", "\u180e", "a\u180eb", "\u200b", "a\u200bb", "\u200d", "\ufeff",
    "\ufeffa", "\u2028\u2029", "a\u2028b", "\u1680\u2000\u200a\u202f\u205f", "\u00ad", "\u0130\u0131", "\u00df\u1e9e", "e\u0301", "\u0301", " \u0301", "a\u0301\u0302b",
    "\u0915\u094d\u0937\u093f", "\u0e01\u0e33\u0e25\u0e31\u0e07", "\uac00\u1100\u1161", "\u4f60\u597d\uff0c\u4e16\u754c", "\u3053\u3093\u306b\u3061\u306f \u4e16\u754c", "\u0645\u0631\u062d\u0628\u0627",
    "\u05e9\u05dc\u05d5\u05dd", "\U0001f600", "\U0001f600\U0001f600 a", "\U0001f469\u200d\U0001f680", "\U0001f1ea\U0001f1fa", "1\ufe0f\u20e3", "\U00020000\U0002a6d6", "\ue000\U000f0000\U0010ffff", "\ufffd",
    "\ufffe\uffff", "a" * 65, "a" * 1000, " " * 64, " " * 1000, " " * 1000 + "a", "\n" * 100, "^" * 300, "ab" * 300, "0" * 200,
    "\u00e9" * 70, "\u4e00" * 70, "\U0001f600" * 40, "<|endoftext|>", "a<|endoftext|>b", "<|endoftext|", "==>", "!=?!", "a_b", "__init__",
    "https://example.com/?q=1&r=%20", "def f(x):\n    return x**2\n\n\nclass A:\n\tpass\n", "{\"k\": [1, 2.5, null]}", "C:\\dir\\file.txt",
    "supercalifragilisticexpialidocious antidisestablishmentarianism", "SolidGoldMagikarp", " SolidGoldMagikarp", "\u0120\u010a", "\u00c3\u00a9",
]


def of_every_category():
    """Up to four code points of each general category, alone and between characters of each class."""
    by_category = {}
    for code in range(0x110000):
        category = unicodedata.category(chr(code))
        if category != "Cs":
            by_category.setdefault(category, []).append(chr(code))
    for category, characters in sorted(by_category.items()):
        picked = {characters[0], characters[len(characters) // 3], characters[len(characters) // 2], characters[-1]}
        for character in sorted(picked):
            yield f"{character}a{character}1 {character}!{character} {character}{character}\n{character}"


def of_random_parts(count):
    generator = random.Random(1)
    parts = ["a", "B", "the", "1", "42", " ", "  ", "\n", "\t", "'", "'s", "'ll", "!", "--", "\u00e9", "\u4e2d", "\u0301", "\u00a0", "\U0001f600", "\u0663", "\r"]
    for _ in range(count):
        yield "".join(generator.choice(parts) for _ in range(generator.randrange(1, 24)))


def fnv1a(data):
    digest = 0xCBF29CE484222325
    for byte in data:
        digest = ((digest ^ byte) * 0x100000001B3) & (2**64 - 1)
    return f"{digest:016x}"


def write(name, value):
    if isinstance(value, list):
        text = "[\n" + ",\n".join(json.dumps(row) for row in value) + "\n]\n"
    else:
        text = json.dumps(value, indent=0) + "\n"
    (FOLDER / name).write_text(text)


def gpt2(vocab, merges, shakespeare):
    tokenizer = Tokenizer(models.BPE.from_file(vocab, merges))
    split = pre_tokenizers.ByteLevel(**BYTE_LEVEL)
    tokenizer.pre_tokenizer = split
    rows = []
    for text in HAND_PICKED + list(of_every_category()) + list(of_random_parts(150)):
        pieces = [len(text[begin:end].encode()) for _, (begin, end) in split.pre_tokenize_str(text)]
        assert sum(pieces) == len(text.encode()), text
        rows.append({"text": text, "pieces": pieces, "ids": tokenizer.encode(text).ids})
    ids = tokenizer.encode(pathlib.Path(shakespeare).read_bytes().decode()).ids
    # The last row is a complete known file: the number of ids, and FNV-1a over them as little-endian 32-bit numbers.
    rows.append({"tinyshakespeare": fnv1a(struct.pack(f"<{len(ids)}i", *ids)), "count": len(ids)})
    write("gpt2.json", rows)


def train(name, texts, **options):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(**BYTE_LEVEL)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(initial_alphabet=alphabet, show_progress=False, **options))
    (FOLDER / name).write_text(json.dumps(json.loads(tokenizer.to_str()), indent=0) + "\n")
    return tokenizer


def main(vocab, merges, shakespeare):
    gpt2(vocab, merges, shakespeare)
    prose = (FOLDER / "prose.txt").read_bytes().decode()
    whole = train("prose.json", [prose], vocab_size=800, special_tokens=["<|endoftext|>"])
    lines = train("prose_lines.json", prose.splitlines(keepends=True), vocab_size=900, min_frequency=3,
                  special_tokens=["<|endoftext|>", "<|pad|>"])
    texts = [prose, "A step.<|endoftext|>Another step", "<|pad|><|endoftext|><|pad", "<<|pad|>>", " <|endoftext|> ", "e" * 300, "\u00fcber\x00"]
    write("tokens.json", [{"text": text, "prose": whole.encode(text).ids, "prose_lines": lines.encode(text).ids} for text in texts])


if __name__ == "__main__":
    main(*sys.argv[1:])
