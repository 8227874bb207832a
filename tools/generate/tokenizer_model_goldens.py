#!/usr/bin/env python3
"""Writes tests/goldens/tokenizer/models/: what Hugging Face tokenizers and sentencepiece make of pieces, for our tests.

    huggingface.json       models trained on prose.txt: their parts, names and scores, and pieces with ids and offsets
    unigram.model, bpe.model, bpe_plain.model   trained by sentencepiece on prose.txt
    sentencepiece.json     normalized texts with their ids, by the models above and by those of VOCAB_FOLDER

    pip install tokenizers sentencepiece && python3 tools/generate/tokenizer_model_goldens.py VOCAB_FOLDER
"""
import json
import pathlib
import random
import sys

import sentencepiece
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "tests" / "goldens" / "tokenizer"
PROSE = (FOLDER / "prose.txt").read_text()
OUT = FOLDER / "models"
MARK = "\u2581"
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def words_of(text):
    return [piece for piece, _ in pre_tokenizers.BertPreTokenizer().pre_tokenize_str(text)]


def pieces():
    generator = random.Random(1)
    words = sorted(set(words_of(PROSE)))
    chosen = generator.sample(words, 24)
    letters = "eeetaoinshr,.;!'" + MARK + "\u00e9\u4e00\U0001f600"
    chosen += ["".join(generator.choice(letters) for _ in range(generator.randrange(1, 40))) for _ in range(16)]
    chosen += [
        "", "a", "\u00e9", "\u4e00\u4e8c", "a\u4e00b", "\u4e00a", "a\u4e00", "\U0001f600\U0001f600x", "<unk>", "a<unk>b", "\u4e00<unk>\u4e01", "<0x41>",
        "[UNK]", "##a", "##", "e" * 100, "e" * 101, "the" * 40, MARK, MARK * 3, MARK + "the" + MARK + "king" + MARK,
        MARK + "the" + MARK * 2 + "king", "a" + MARK, "x</w>", "</w>", " ", " the", "a b", "\x00", "e\u0301", "supercalifragilistic",
    ]
    return chosen


PIECES = pieces()


def cases(model):
    rows = []
    for piece in PIECES:
        tokens = model.tokenize(piece)
        rows.append([[token.id for token in tokens], [end for token in tokens for end in token.offsets]])
    return rows


def trained(model, trainer, splitter):
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = splitter
    tokenizer.train_from_iterator([PROSE], trainer)
    return json.loads(tokenizer.to_str())["model"]


def bpe(name, parts, **options):
    merges = [tuple(merge) if isinstance(merge, list) else tuple(merge.split(" ")) for merge in parts["merges"]]
    model = models.BPE(vocab=parts["vocab"], merges=merges, **options)
    return {"kind": "bpe", "name": name, "vocab": parts["vocab"], "merges": [list(merge) for merge in merges], **options, "cases": cases(model)}


def huggingface():
    bert = pre_tokenizers.BertPreTokenizer()
    mark = pre_tokenizers.Metaspace(replacement=MARK)
    rows = []

    parts = trained(models.WordPiece(unk_token="[UNK]"), trainers.WordPieceTrainer(vocab_size=200, special_tokens=["[UNK]"], show_progress=False), bert)
    for limit, prefix in ((100, "##"), (5, "##"), (100, "")):
        model = models.WordPiece(vocab=parts["vocab"], unk_token="[UNK]", max_input_chars_per_word=limit, continuing_subword_prefix=prefix)
        rows.append({"kind": "word_piece", "vocab": parts["vocab"], "unknown": "[UNK]", "max_chars": limit, "prefix": prefix, "cases": cases(model)})

    vocab = {"<unk>": 0} | {word: i + 1 for i, word in enumerate(sorted(set(words_of(PROSE)))[::8])}
    rows.append({"kind": "word_level", "vocab": vocab, "unknown": "<unk>", "cases": cases(models.WordLevel(vocab=vocab, unk_token="<unk>"))})

    parts = trained(models.Unigram(), trainers.UnigramTrainer(vocab_size=260, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False), mark)
    vocab = [tuple(entry) for entry in parts["vocab"]]
    with_bytes = vocab + [(byte, 0.0) for byte in BYTES]
    across = vocab + [("e" + MARK + "t", -6.5), ("," + MARK, -5.0), ("ee", -4.0), ("eee", -6.0)]
    for scored, fallback in ((vocab, False), (with_bytes, True), (across, False)):
        model = models.Unigram(vocab=scored, unk_id=0, byte_fallback=fallback)
        rows.append({"kind": "unigram", "pieces": scored, "unknown": 0, "byte_fallback": fallback, "cases": cases(model)})

    plain = trained(models.BPE(), trainers.BpeTrainer(vocab_size=200, special_tokens=["<unk>"], show_progress=False), mark)
    rows.append(bpe("no unknown token", plain))
    rows.append(bpe("unknown token", plain, unk_token="<unk>"))
    rows.append(bpe("fused unknown tokens", plain, unk_token="<unk>", fuse_unk=True))
    wide = {"vocab": plain["vocab"] | {byte: len(plain["vocab"]) + i for i, byte in enumerate(BYTES)}, "merges": plain["merges"]}
    rows.append(bpe("bytes", wide, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    extra = {"vocab": plain["vocab"] | {"supercalifragilistic": len(plain["vocab"])}, "merges": plain["merges"]}
    rows.append(bpe("ignored merges", extra, unk_token="<unk>", ignore_merges=True))
    suffix = trained(models.BPE(end_of_word_suffix="</w>"), trainers.BpeTrainer(vocab_size=200, special_tokens=["<unk>"], end_of_word_suffix="</w>", show_progress=False), bert)
    rows.append(bpe("suffix", suffix, unk_token="<unk>", end_of_word_suffix="</w>"))
    prefix = trained(models.BPE(continuing_subword_prefix="##"), trainers.BpeTrainer(vocab_size=200, special_tokens=["<unk>"], continuing_subword_prefix="##", show_progress=False), bert)
    rows.append(bpe("prefix", prefix, unk_token="<unk>", continuing_subword_prefix="##"))
    return rows


def texts():
    lines = [line for line in PROSE.splitlines() if line][:16]
    return lines + [
        "", " ", "a", "Hello,  world!", "  two  spaces ", "\u4e00\u4e8c\u4e09 \u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8", "caf\u00e9 \u00c5ngstr\u00f6m", "\U0001f600\U0001f600 x", "a" * 50, "ab" * 40, "ha" * 33 + "!",
        "<s> </s> <unk> <0x41>", "<user> and <user><other>", "x<user>y", "0123456789 3.14 1,000", "tab\there", "\u2581\u2581 marks", "aaa aa a aaaa",
        "don't you'll we've", "......... ---- ====", "the" * 30, "\x00\x01", "eeeee eee ee", "\ufb01ne \uff21\uff22\uff23",
    ]


def sentencepiece_rows(vocab):
    common = dict(input=str(FOLDER / "prose.txt"), normalization_rule_name="identity", minloglevel=2, num_threads=1)
    options = {
        "unigram": dict(model_type="unigram", vocab_size=520, byte_fallback=True, user_defined_symbols=["<user>", "<other>", "king"], character_coverage=0.99),
        "bpe": dict(model_type="bpe", vocab_size=620, byte_fallback=True, user_defined_symbols=["<user>", "<other>", "king"], character_coverage=0.99),
        "bpe_plain": dict(model_type="bpe", vocab_size=400, split_by_whitespace=False, remove_extra_whitespaces=False),
    }
    rows = []
    for name, special in options.items():
        sentencepiece.SentencePieceTrainer.train(model_prefix=str(OUT / name), **common, **special)
        (OUT / f"{name}.vocab").unlink()
    files = [(OUT / f"{name}.model", True) for name in options]
    files += [(vocab / f"{name}.model", False) for name in ("llama2", "sentencepiece-test", "sentencepiece-test-ja")]
    for path, ours in files:
        processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
        encoded = [[processor.normalize(text), processor.encode(text)] for text in texts()]
        rows.append({"file": path.name, "ours": ours, "size": processor.get_piece_size(), "cases": encoded})
    return rows


def write(name, value):
    (OUT / name).write_text(json.dumps(value, separators=(",", ":"), ensure_ascii=False) + "\n")


def main():
    OUT.mkdir(exist_ok=True)
    write("huggingface.json", {"pieces": PIECES, "models": huggingface()})
    write("sentencepiece.json", sentencepiece_rows(pathlib.Path(sys.argv[1])))


if __name__ == "__main__":
    main()
