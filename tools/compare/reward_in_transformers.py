#!/usr/bin/env python3
"""Holds the scores of a reward model's folder against those that transformers computes from it.

    GRADUS_REWARD_FOLDER=/tmp/reward build/release/test_align "a saved reward model*"
    python3 tools/compare/reward_in_transformers.py /tmp/reward

FOLDER has the model and scores.json: texts, a list of lists of ids, and scores, one each. The exit status is 1 where a score is more
than 1e-5 of the largest one apart, or where a weight is missing, unknown or of another shape.
"""
import json
import pathlib
import sys

import torch
import transformers


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    expected = json.loads((folder / "scores.json").read_text())
    model, info = transformers.AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32,
                                                                                 output_loading_info=True)
    wrong = {key: sorted(map(str, info[key])) for key in ("missing_keys", "unexpected_keys", "mismatched_keys") if info[key]}
    if wrong:
        sys.exit(f"{folder}: {json.dumps(wrong)}")
    if model.config.num_labels != 1:
        sys.exit(f"{folder}: {model.config.num_labels} labels instead of 1")
    with torch.no_grad():
        found = [model.eval()(torch.tensor([ids])).logits.item() for ids in expected["texts"]]
    largest = max(map(abs, expected["scores"]))
    apart = max(abs(a - b) for a, b in zip(found, expected["scores"])) / largest
    print(f"{len(found)} scores, {apart:.1e} of the largest apart")
    sys.exit(not (found and apart <= 1e-5))


if __name__ == "__main__":
    main()
