#!/usr/bin/env python3
"""Encodes a file with GPT-2's vocabulary, alternating gradus, gigatoken, Hugging Face tokenizers and tiktoken, one thread each.

    pip install gigatoken tokenizers tiktoken
    tools/compare/tokenizer_speed.py --vocab VOCAB_JSON --merges MERGES_TXT --input FILE [FILE ...]

They alternate so that other load slows all equally; CPU time is counted, best of the rounds, with caches that are warm. The ids of all must
be equal, or the run fails. Prints one row of a Markdown table per file.

The program is called as PROGRAM --tokenizer FILE --input FILE --repeat N and prints JSON with `seconds` (CPU time of
one encoding, the best of N), `tokens` and `ids_fnv1a` (16 hex digits over the ids as little-endian 32-bit numbers).
"""
import argparse
import importlib.metadata
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
import time

os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import gigatoken  # noqa: E402
import tiktoken  # noqa: E402
import tokenizers  # noqa: E402
from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # noqa: E402

PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
MASK = 2**64 - 1


def fnv1a(ids):
    digest = 0xCBF29CE484222325
    for number in ids:
        for byte in number.to_bytes(4, "little"):
            digest = ((digest ^ byte) * 0x100000001B3) & MASK
    return f"{digest:016x}"


def hugging_face(vocab, merges):
    tokenizer = Tokenizer(models.BPE.from_file(vocab, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|endoftext|>"])
    return tokenizer


def byte_ranks(vocab):
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    byte_of = {chr(byte): byte for byte in printable} | {chr(256 + n): byte for n, byte in enumerate(others)}
    names = json.loads(pathlib.Path(vocab).read_text())
    return {bytes(byte_of[c] for c in name): number for name, number in names.items() if name != "<|endoftext|>"}


def timed(encode, text):
    start = time.process_time()
    ids = encode(text)
    return time.process_time() - start, ids


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", default="build/release/gradus bench tokenizer")
    parser.add_argument("--vocab", required=True)
    parser.add_argument("--merges", required=True)
    parser.add_argument("--input", nargs="+", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()

    theirs = hugging_face(options.vocab, options.merges)
    tik = tiktoken.Encoding("gpt2", pat_str=PATTERN, mergeable_ranks=byte_ranks(options.vocab), special_tokens={})
    encoders = {
        f"tokenizers {tokenizers.__version__}": lambda text: theirs.encode(text).ids,
        f"tiktoken {tiktoken.__version__}": tik.encode_ordinary,
    }
    with tempfile.TemporaryDirectory() as folder:
        saved = str(pathlib.Path(folder) / "tokenizer.json")
        theirs.save(saved)
        giga = gigatoken.Tokenizer(saved)
        encoders["gigatoken " + importlib.metadata.version("gigatoken")] = lambda text: giga.encode_batch(
            [text.encode()], parallel=False)[0]
        names = ["gradus", *encoders]
        print("| file | MB | " + " | ".join(f"{name} MB/s" for name in names) + " | gradus / fastest other |")
        print("|---" * (len(names) + 3) + "|")
        for path in options.input:
            raw = pathlib.Path(path).read_bytes()
            text = raw.decode()
            best, digests = dict.fromkeys(names, float("inf")), {}
            command = shlex.split(options.program) + ["--tokenizer", saved, "--input", path, "--repeat", "5", "--json"]
            for _ in range(options.rounds):
                ours = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                best["gradus"] = min(best["gradus"], ours["seconds"])
                digests["gradus"] = (ours["tokens"], ours["ids_fnv1a"])
                for name, encode in encoders.items():
                    seconds, ids = min((timed(encode, text) for _ in range(5 if "giga" in name else 1)), key=lambda run: run[0])
                    best[name] = min(best[name], seconds)
                    if name not in digests:
                        digests[name] = (len(ids), fnv1a([int(number) for number in ids]))
            if len(set(digests.values())) != 1:
                sys.exit(f"{path}: the ids differ: {digests}")
            speeds = [len(raw) / best[name] / 1e6 for name in names]
            row = [pathlib.Path(path).name, f"{len(raw) / 1e6:.2f}", *(f"{speed:.1f}" for speed in speeds)]
            print("| " + " | ".join(row) + f" | {speeds[0] / max(speeds[1:]):.1f} |", flush=True)


if __name__ == "__main__":
    main()
