#!/usr/bin/env python3
"""nanoGPT's CPU setting for character-level Shakespeare in PyTorch: milliseconds per step and the loss on the last tenth.

    python3 tools/compare/nanogpt_shakespeare.py --threads 2 [--steps 2000] [--seed 1] [--mode compile]

4 layers, 4 heads, width 128, context 64, batch 12, no biases, no dropout; AdamW at 1e-3 with cosine decay to 1e-4
after 100 steps of warm-up, betas 0.9 and 0.99, decay 0.1, clip 1. A step is what nanoGPT's loop does between two log
lines: draw a batch, forward, backward, clip, update, read the loss. The validation loss is the mean over all
non-overlapping windows of 64 in the last tenth of the text (nanoGPT itself prints the mean of twenty random batches).

--steps N below 2000 stops early on the same schedule: enough to time a step.
"""
import argparse
import json
import math
import pathlib
import statistics
import time

import torch

from gpt import GPT, Shape, adamw, parameters_of

TEXT = pathlib.Path(__file__).resolve().parents[3] / "shared" / "data" / "tinyshakespeare.txt"
BATCH, CONTEXT = 12, 64
LR, MIN_LR, WARMUP, HORIZON = 1e-3, 1e-4, 100, 2000


def rate(step):
    if step < WARMUP:
        return LR * (step + 1) / (WARMUP + 1)
    done = min(1.0, (step - WARMUP) / (HORIZON - WARMUP))
    return MIN_LR + 0.5 * (1 + math.cos(math.pi * done)) * (LR - MIN_LR)


def read_characters(path):
    text = path.read_text(encoding="utf-8")
    number = {c: i for i, c in enumerate(sorted(set(text)))}
    ids = torch.tensor([number[c] for c in text])
    cut = int(len(ids) * 0.9)
    return ids[:cut], ids[cut:], len(number)


def draw(ids):
    starts = torch.randint(len(ids) - CONTEXT, (BATCH,)).tolist()
    rows = torch.stack([ids[s:s + CONTEXT + 1] for s in starts])
    return rows[:, :-1].contiguous(), rows[:, 1:].contiguous()


def loss_over(model, ids):
    windows = (len(ids) - 1) // CONTEXT
    inputs = ids[:windows * CONTEXT].view(windows, CONTEXT)
    targets = ids[1:windows * CONTEXT + 1].view(windows, CONTEXT)
    total = 0.0
    with torch.no_grad():
        for x, y in zip(inputs.split(64), targets.split(64)):
            total += model(x, y).item() * len(x)
    return total / windows


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--text", type=pathlib.Path, default=TEXT)
    p.add_argument("--steps", type=int, default=2000)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--mode", choices=("eager", "compile"), default="eager")
    p.add_argument("--fused", action="store_true", help="AdamW in one pass, which nanoGPT uses only on a GPU")
    p.add_argument("--json", action="store_true", help="one line of JSON instead of a sentence")
    a = p.parse_args()

    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    train, held_out, vocabulary = read_characters(a.text)
    model = GPT(Shape(layers=4, heads=4, width=128, context=CONTEXT, vocabulary=vocabulary, bias=False))
    optimizer = adamw(model, LR, (0.9, 0.99), 0.1, a.fused)
    forward = torch.compile(model) if a.mode == "compile" else model
    seconds = []
    for step in range(a.steps):
        start = time.perf_counter()
        for group in optimizer.param_groups:
            group["lr"] = rate(step)
        loss = forward(*draw(train))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        last = loss.item()
        seconds.append(time.perf_counter() - start)

    counted = seconds[min(10, len(seconds) // 2):]  # the first ones allocate and compile
    found = {"program": f"PyTorch {torch.__version__} {a.mode}", "parameters": parameters_of(model), "steps": a.steps,
             "seed": a.seed, "threads": a.threads, "ms_median": 1e3 * statistics.median(counted),
             "ms_best": 1e3 * min(counted), "seconds_total": sum(seconds), "train_loss": last,
             "validation_loss": loss_over(model, held_out)}
    if a.json:
        print(json.dumps(found))
    else:
        print(f"{found['program']}: median {found['ms_median']:.1f} ms a step, best {found['ms_best']:.1f}; "
              f"after {a.steps} steps training loss {last:.4f}, validation loss {found['validation_loss']:.4f}")


if __name__ == "__main__":
    main()
