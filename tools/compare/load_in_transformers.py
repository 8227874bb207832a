#!/usr/bin/env python3
"""Loads a model directory with transformers and prints what it computes, to check that the directory is portable.

    python3 tools/compare/load_in_transformers.py DIR --ids FILE            token ids, separated by blanks or commas
    python3 tools/compare/load_in_transformers.py DIR --text "Once upon"    encoded by DIR/tokenizer.json
    ... --new 12        length of the greedy continuation (from all ids)
    ... --expect FILE   JSON with loss and/or greedy from another program: exit status 1 if they differ

Prints one line of JSON: ids, loss (mean cross-entropy of each id from those before it; null for a single id), greedy,
text (their decoding, if there is a tokenizer). Computes in f32 whatever the stored dtype. A weight
that transformers misses, does not know or finds in another shape is an error: it would be initialized randomly.
"""
import argparse
import json
import pathlib
import sys

import tokenizers
import torch
import torch.nn.functional as F
import transformers


def load(folder):
    model, info = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, output_loading_info=True)
    faults = ("missing_keys", "unexpected_keys", "mismatched_keys")
    wrong = {key: sorted(map(str, info[key])) for key in faults if info[key]}
    if wrong:
        sys.exit(f"load_in_transformers.py: {folder}: {json.dumps(wrong)}")
    return model.eval()


def ask(model, ids, new):
    row = torch.tensor([ids])
    with torch.no_grad():
        logits = model(row).logits[0]
        loss = F.cross_entropy(logits[:-1], row[0, 1:]).item() if len(ids) > 1 else None
        for _ in range(new):
            row = torch.cat([row, model(row, use_cache=False).logits[:, -1:].argmax(-1)], dim=1)
    return {"ids": ids, "loss": loss, "greedy": row[0, len(ids):].tolist()}


def differences(found, expected, tolerance):
    if not {"loss", "greedy"} & set(expected):
        yield "nothing to compare: the expected file has neither loss nor greedy"
    if "loss" in expected and not abs(found["loss"] - expected["loss"]) <= tolerance * abs(expected["loss"]):
        yield f"loss {found['loss']} here, {expected['loss']} expected"
    if "greedy" in expected and found["greedy"] != expected["greedy"]:
        yield f"greedy {found['greedy']} here, {expected['greedy']} expected"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("folder", type=pathlib.Path)
    what = p.add_mutually_exclusive_group(required=True)
    what.add_argument("--ids", type=pathlib.Path)
    what.add_argument("--text")
    p.add_argument("--new", type=int, default=12)
    p.add_argument("--expect", type=pathlib.Path)
    p.add_argument("--tolerance", type=float, default=1e-5, help="relative tolerance of the loss")
    a = p.parse_args()

    transformers.utils.logging.disable_progress_bar()
    if not a.folder.is_dir():
        sys.exit(f"load_in_transformers.py: {a.folder} is not a directory")
    file = a.folder / "tokenizer.json"
    tokenizer = tokenizers.Tokenizer.from_file(str(file)) if file.exists() else None
    if a.text is not None and tokenizer is None:
        sys.exit(f"load_in_transformers.py: --text needs {file}")
    if a.text is not None:
        ids = tokenizer.encode(a.text).ids
    else:
        ids = [int(i) for i in a.ids.read_text().replace(",", " ").split()]
    model = load(a.folder)
    if not ids or not all(0 <= i < model.config.vocab_size for i in ids):
        sys.exit(f"load_in_transformers.py: ids must be between 0 and {model.config.vocab_size - 1}, and at least one")

    found = ask(model, ids, a.new)
    if tokenizer:
        found["text"] = tokenizer.decode(found["greedy"])
    print(json.dumps(found))
    if a.expect:
        wrong = list(differences(found, json.loads(a.expect.read_text()), a.tolerance))
        if wrong:
            sys.exit("load_in_transformers.py: " + "; ".join(wrong))


if __name__ == "__main__":
    main()
