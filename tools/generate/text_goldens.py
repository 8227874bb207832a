#!/usr/bin/env python3
"""Writes tests/goldens/tokenizer/text.json: what Hugging Face tokenizers makes of random texts and of every code point.

A case is a normalizer, a pre-tokenizer, a decoder or a set of added tokens, by the name that tests/tokenizer/text/cases.h gives it. The texts
come from a small generator that the tests have too, so the file has a hash of all results, and the first results themselves.

    pip install tokenizers && python3 tools/generate/text_goldens.py [results to write of each case]
"""
import json
import pathlib
import struct
import sys

import tokenizers
from tokenizers import AddedToken, PreTokenizedString, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

TEXTS = 1500
MASK = 2**64 - 1
POOL = [ord(c) for c in
        "aabcdeEnrstvmlXYZIiZ019 \t\n\r  .,!?'-_#|<>[]()$+^~\u00a0\u0085\u00e9\u00c9\u00df\u0130\u0131\u017f\u212a\u1e9e\u01c5\u03a3\u03c2"
        "\u0301\u0300\u0323\u0327\u0345\u05b0\u0334\u3099\u0344\u0f73\u1100\u1161\u11a8\uac00\uac01\u4e2d\u6587\u3042\u30a2\u30fc\uff21\uff11"
        "\ufb01\u00bd\u00b2\u212b\u2126\u0958\ufb1d\u1e9b\u0600\u0915\u094d\u0937\u093e\u0660\u0966\u2163\u3007\u200b\u200d\ufe0f\ufeff\ufffd"
        "\u2028\u180e\u2581\u2582\u00ab\u2018\u20ac\u00a9\u00ad\u0410\u0431\u0561\u10a0\u0378\ue000\u0007\u007f\u008f\u009f\u001f\u0001\u000b"
        "\u000c\u1680\u3000\u2003\U0001f600\U0001f1e6\U0001f1e7\U0001d400\U0001d7d8\U00020000\U0002b830\U0002b950\U0001e922\U00010400"
        "\U00010d50\U00016ea0\U000e0001\ua7f2\u1c89\u32ff\u0e33\u0345\u1fbe\u1f80"]
TOKENS = ["<0x41>", "<0xE2>", "<0x96>", "<0x81>", "<0x+f>", "<0xZZ>", "<pad>", "|", "##ing", "##", "\u2581the", "\u2581", "a", "a", " ", "aab",
          "lo</w>", "</w>", "\u0120x", "\u00e2\u0122\u00a5", "\u00e2", " n't", " do not", ".", " '", " 's", "\u4e2d", "", "h h", "!", " !"]


class Numbers:
    """The generator of tests/tokenizer/goldens.h."""

    def __init__(self, seed):
        self.state = (seed * 0x9E3779B97F4A7C15 + 1) & MASK

    def below(self, bound):
        s = self.state
        s ^= s << 13 & MASK
        s ^= s >> 7
        s ^= s << 17 & MASK
        self.state = s
        return s % bound


def texts():
    numbers = Numbers(7)
    for _ in range(TEXTS):
        length = numbers.below(25)
        yield "".join(chr(POOL[numbers.below(len(POOL))]) for _ in range(length))


def token_lists():
    numbers = Numbers(11)
    for _ in range(TEXTS):
        length = 1 + numbers.below(8)
        yield [TOKENS[numbers.below(len(TOKENS))] for _ in range(length)]


def fnv1a(data, digest=0xCBF29CE484222325):
    for byte in data:
        digest = ((digest ^ byte) * 0x100000001B3) & MASK
    return digest


def case(results, shown):
    digest = 0xCBF29CE484222325
    first = []
    for result in results:
        digest = fnv1a(result.encode() + b"\n", digest)
        if len(first) < shown:
            first.append(result)
    return {"hash": f"{digest:016x}", "first": first}


def shown_pieces(text):
    return "\x1f".join(f"{piece}@{begin}-{end}" for piece, (begin, end), _ in
                       text.get_splits(offset_referential="original", offset_type="byte"))


def normalized(normalizer, text):
    """Every character of the normalized text with the bytes of the original that it stands for."""
    pieces = PreTokenizedString(text)
    pieces.normalize(lambda part: normalizer.normalize(part))
    pre_tokenizers.Split(Regex("(?m:.)"), "isolated").pre_tokenize(pieces)
    return shown_pieces(pieces)


def split(pre_tokenizer, text):
    pieces = PreTokenizedString(text)
    pre_tokenizer.pre_tokenize(pieces)
    return shown_pieces(pieces)


def encoded(tokenizer, text):
    begins = [0]
    for c in text:
        begins.append(begins[-1] + len(c.encode()))
    encoding = tokenizer.encode(text)
    return " ".join(f"{token}@{begins[begin]}-{begins[end]}" for token, (begin, end) in zip(encoding.ids, encoding.offsets))


def charsmap():
    """A table with entries of one byte, of one character, of a cluster, and of replacements that are empty or longer."""
    entries = {"a": "X", "\u00e9": "e", "\u00bd": "1/2", "\u0301": "", "e\u0301": "\u00e9", "\uff21": "A", "\ufb01": "fi", "\u3042\u3099": "!",
               "\r\n": "\n", "\u0600": "Y", "\u00a9": "(c)", "\u200d": "", "b\u0327": "bb", "\u1100": "g", "\u4e2d": "\u4e2d\u4e2d"}
    text, values = b"", {}
    for key, value in entries.items():
        values[key.encode()] = len(text)
        text += value.encode() + b"\0"
    units = [0] * 4096
    used = [False] * 4096
    used[0] = True

    def place(node, keys):
        labels = sorted({key[0] if key else 0 for key in keys})
        for base in range(1, 3000):
            if all(not used[base ^ label] for label in labels) and not used[base]:
                break
        offset = node ^ base
        units[node] |= offset << 10
        for label in labels:
            used[base ^ label] = True
        for label in labels:
            at = base ^ label
            below = {key[1:]: value for key, value in keys.items() if key and key[0] == label}
            if label == 0:
                units[node] |= 1 << 8
                units[at] = keys[b""] | 1 << 31
            else:
                units[at] = label
                place(at, below)

    place(0, values)
    units = units[:max(i for i, unit in enumerate(units) if unit) + 256]  # a lookup goes up to 255 units beyond
    return struct.pack("<I", 4 * len(units)) + struct.pack(f"<{len(units)}I", *units) + text


def normalizer_cases():
    n = normalizers
    return {
        "nfc": n.NFC(), "nfd": n.NFD(), "nfkc": n.NFKC(), "nfkd": n.NFKD(), "lowercase": n.Lowercase(), "strip": n.Strip(),
        "strip left": n.Strip(True, False), "strip right": n.Strip(False, True), "strip accents": n.StripAccents(),
        "bert": n.BertNormalizer(), "bert cased": n.BertNormalizer(lowercase=False),
        "bert accents": n.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False),
        "nmt": n.Nmt(), "prepend": n.Prepend("\u2581x"), "replace text": n.Replace("a", "\u00e9\u00e9"), "replace spaces": n.Replace(" ", ""),
        "replace expression": n.Replace(Regex(r"\s+|\p{Lu}"), "_"), "replace empty": n.Replace(Regex(r"b*"), "-"),
        "byte letters": n.ByteLevel(), "precompiled": n.Precompiled(charsmap()),
        "sequence": n.Sequence([n.NFKD(), n.StripAccents(), n.Lowercase(), n.Replace(Regex(r"\s+"), " "), n.Strip(), n.Prepend("\u2581"), n.NFC()]),
    }


EXPRESSIONS = {
    "gpt2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "cl100k": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "o200k": r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
             r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
             r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "kimi": r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+|\s+|.",
    "deepseek": "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*"
                "|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
    "boundaries": r"\b\w", "not boundaries": r"\B.", "words": r"[\w&&[^_\d]]+|\W", "hexadecimal": r"\h{2}+|\H{2}?",
    "braces": r"a{,2}b|{|\p{N}{1,2}?", "options": r"e(?i)z|x|n", "dot": r"(?m:.)a|.$", "lines": r"^.|.$|\A.", "posix": r"[[:punct:]]+|[[:upper:][:^print:]]|[[:word:]]",
    "property names": r"\p{Punct}|\p{^Alpha}|\p{script}".replace(r"|\p{script}", r"|\p{Hiragana}|\p{Punctuation}"),
    "case": r"(?i)[A-Zé]|[^\p{Lu}ſ]", "look behind": r"(?<=\s)\S+|(?<!a)b", "empty": r"a*", "possessive": r"[a-c]++.|\s?+.",
    "escapes": r"\x{e9}|\u0301|\t|\v|\x41|\.|\-|[\x{4e00}-\x{9fff}\b]",
}


CLASSES = [rf"\p{{{name}}}" for name in
           "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Co Cn L M N P S Z C Letter Alphabetic Uppercase "
           "Lowercase White_Space Han Hiragana Katakana Latin Cyrillic Greek Arabic Devanagari Hangul Common Inherited Punct Word Alnum Any".split()]
CLASSES += [r"\w", r"\W", r"\s", r"\S", r"\d", r"\h", r"[\w]", r"[^\W\d]", "[[:punct:]]", "[[:graph:]]", "[[:print:]]", "[[:alnum:]]", "[[:blank:]]",
            "[[:cntrl:]]", "[[:^word:]]", r"[\p{L}&&[^\p{Han}]]", "(?i)[a-z]", "(?i)[^kå]", "(?i)ſ", "(?i:Ω)"]


def pre_tokenizer_cases():
    p = pre_tokenizers
    cases = {
        "byte level": p.ByteLevel(), "byte level without space": p.ByteLevel(add_prefix_space=False),
        "byte level without pattern": p.ByteLevel(use_regex=False), "bert": p.BertPreTokenizer(), "delimiter": p.CharDelimiterSplit("\u00e9"),
        "digits": p.Digits(), "individual digits": p.Digits(individual_digits=True), "fixed length": p.FixedLength(3),
        "metaspace": p.Metaspace(), "metaspace first": p.Metaspace(prepend_scheme="first"),
        "metaspace never": p.Metaspace(replacement="_", prepend_scheme="never"), "metaspace whole": p.Metaspace(split=False),
        "punctuation": p.Punctuation(), "scripts": p.UnicodeScripts(), "whitespace": p.Whitespace(), "whitespace split": p.WhitespaceSplit(),
        "sequence": p.Sequence([p.WhitespaceSplit(), p.Punctuation("removed"), p.Metaspace(prepend_scheme="first"), p.Digits(True), p.ByteLevel()]),
        "letters split": p.Sequence([p.ByteLevel(), p.Split("\u0120", "merged_with_next")]),
    }
    for behavior in ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]:
        for invert in [False, True]:
            name = behavior + (" inverted" if invert else "")
            cases["text " + name] = p.Split(" ", behavior, invert)
            cases["expression " + name] = p.Split(Regex(r"\s|\p{P}+"), behavior, invert)
    for name, expression in EXPRESSIONS.items():
        cases["pattern " + name] = p.Split(Regex(expression), "isolated")
    return cases


def decoder_cases():
    d = decoders
    return {
        "byte level": d.ByteLevel(), "metaspace": d.Metaspace(), "metaspace never": d.Metaspace(prepend_scheme="never"),
        "word piece": d.WordPiece(), "word piece without cleanup": d.WordPiece(cleanup=False), "bpe": d.BPEDecoder(), "ctc": d.CTC(),
        "ctc without cleanup": d.CTC(cleanup=False), "byte fallback": d.ByteFallback(), "fuse": d.Fuse(),
        "replace": d.Sequence([d.Replace("\u2581", " "), d.Replace(Regex("[a-c]+"), "<>")]),
        "llama": d.Sequence([d.Replace("\u2581", " "), d.ByteFallback(), d.Fuse(), d.Strip(" ", 1, 0)]), "strip": d.Strip("a", 1, 0),
    }


def added_token_cases():
    plain = [AddedToken("ab", normalized=False), AddedToken("a", normalized=False, single_word=True), AddedToken("<e", normalized=False, special=True),
             AddedToken(".", normalized=False, lstrip=True), AddedToken("!", normalized=False, rstrip=True),
             AddedToken(" r", normalized=False), AddedToken("-", normalized=False, lstrip=True, rstrip=True)]
    normal = [AddedToken("E", normalized=True), AddedToken("\u00c9", normalized=True, single_word=True), AddedToken("s", normalized=True, lstrip=True),
              AddedToken("t", normalized=True, rstrip=True), AddedToken("Z\u0301", normalized=True), AddedToken("i", normalized=True, special=True)]
    return {"plain": (plain, None), "normalized": (normal, normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase()])),
            "both": (plain + normal, normalizers.Sequence([normalizers.Strip(), normalizers.Lowercase()]))}


def tokenizer_with(tokens, normalizer, specials):
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.add_tokens([token for token in tokens if not token.special])
    tokenizer.add_special_tokens([token for token in tokens if token.special])
    tokenizer.encode_special_tokens = not specials
    return tokenizer, {token.content: tokenizer.token_to_id(token.content) for token in tokens}


def every_code_point(normalizer):
    digest = 0xCBF29CE484222325
    for code in range(0x110000):
        if not 0xD800 <= code < 0xE000:
            digest = fnv1a(normalizer.normalize_str(chr(code)).encode() + b"\n", digest)
    return f"{digest:016x}"


def split_code_points(pre_tokenizer):
    digest = 0xCBF29CE484222325
    for code in range(0x110000):
        if not 0xD800 <= code < 0xE000:
            pieces = pre_tokenizer.pre_tokenize_str("a" + chr(code) + "b")
            digest = fnv1a("|".join(piece for piece, _ in pieces).encode() + b"\n", digest)
    return f"{digest:016x}"


def class_sizes():
    """How many code points a class has, and their sum."""
    everything = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    sizes = {}
    for name in CLASSES:
        split_class = pre_tokenizers.Split(Regex(f"(?:{name})+"), "removed", invert=True)
        codes = [ord(c) for piece, _ in split_class.pre_tokenize_str(everything) for c in piece]
        sizes[name] = [len(codes), sum(codes)]
    return sizes


def main():
    shown = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    root = pathlib.Path(__file__).resolve().parents[2]
    n = normalizer_cases()
    golden = {
        "library": f"tokenizers {tokenizers.__version__}", "texts": TEXTS, "pool": POOL, "tokens": TOKENS,
        "normalizers": {name: case((normalized(one, text) for text in texts()), shown) for name, one in n.items()},
        "every code point": {name: every_code_point(n[name]) for name in ["nfc", "nfd", "nfkc", "nfkd", "lowercase", "strip accents", "bert", "nmt"]},
        "code points between letters": {name: split_code_points(pre_tokenizer_cases()[name]) for name in
                                        ["bert", "digits", "scripts", "whitespace", "byte level"]},
        "classes": class_sizes(),
        "pre-tokenizers": {name: case((split(one, text) for text in texts()), shown) for name, one in pre_tokenizer_cases().items()},
        "expressions": EXPRESSIONS,
        "decoders": {name: case((one.decode(tokens) for tokens in token_lists()), shown) for name, one in decoder_cases().items()},
        "added tokens": {},
    }
    for name, (tokens, normalizer) in added_token_cases().items():
        for specials in [True, False]:
            tokenizer, ids = tokenizer_with(tokens, normalizer, specials)
            results = case((encoded(tokenizer, text) for text in texts()), shown)
            golden["added tokens"][name + ("" if specials else " without specials")] = {
                **results, "tokens": [{"id": ids[t.content], "content": t.content, "special": t.special, "single_word": t.single_word,
                                       "lstrip": t.lstrip, "rstrip": t.rstrip, "normalized": t.normalized} for t in tokens]}
    path = root / "tests/goldens/tokenizer/text.json"
    path.write_text(json.dumps(golden, indent=0, ensure_ascii=True) + "\n")
    (root / "tests/goldens/tokenizer/text.charsmap").write_bytes(charsmap())
    print(path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
