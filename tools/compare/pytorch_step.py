#!/usr/bin/env python3
"""Times a training step of GPT-2 124M in PyTorch on the CPU: forward, backward, clip to 1, fused AdamW, zero_grad.

    python3 tools/compare/pytorch_step.py --batch 4 --context 64 --dtype f32 --threads 2 --mode eager --steps 10 --json

Prints the keys of `gradus bench step --json`, so that step_ratio.py can divide them. gflops counts 6 floating
point operations per parameter and token: what the model needs, not what the machine did. bf16 is autocast over f32
weights.
"""
import argparse
import json
import resource
import statistics
import time

import torch

from gpt import GPT, Shape, adamw, parameters_of


def measure(a):
    torch.set_num_threads(a.threads)
    torch.manual_seed(1)
    shape = Shape()
    model = GPT(shape)
    optimizer = adamw(model, lr=3e-4, betas=(0.9, 0.95), decay=0.1, fused=True)
    forward = torch.compile(model) if a.mode == "compile" else model
    tokens = torch.randint(0, shape.vocabulary, (a.batch, a.context + 1))
    inputs, targets = tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()

    def step():
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=a.dtype == "bf16"):
            loss = forward(inputs, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.item()

    seconds = []
    for i in range(a.warmup + a.steps):
        start = time.perf_counter()
        loss = step()
        if i >= a.warmup:
            seconds.append(time.perf_counter() - start)
    median = statistics.median(seconds)
    return {"program": f"PyTorch {torch.__version__} {a.mode}", "batch": a.batch, "context": a.context,
            "dtype": a.dtype, "threads": a.threads, "parameters": parameters_of(model), "steps": a.steps, "loss": loss,
            "seconds_median": median, "seconds_best": min(seconds), "tokens_per_second": a.batch * a.context / median,
            "gflops": 6e-9 * parameters_of(model) * a.batch * a.context / median,
            "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--batch", type=int, default=4)
    p.add_argument("--context", type=int, default=64)
    p.add_argument("--dtype", choices=("f32", "bf16"), default="f32")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--mode", choices=("eager", "compile"), default="eager")
    p.add_argument("--steps", type=int, default=10)
    p.add_argument("--warmup", type=int, default=3, help="untimed steps")
    p.add_argument("--json", action="store_true", help="one line of JSON instead of a sentence")
    a = p.parse_args()
    found = measure(a)
    if a.json:
        print(json.dumps(found))
    else:
        print(f"{found['program']} {a.dtype} B={a.batch} T={a.context}: median {found['seconds_median']:.3f} s, "
              f"best {found['seconds_best']:.3f} s, {found['tokens_per_second']:.0f} tok/s, "
              f"{found['gflops']:.0f} GFLOP/s")


if __name__ == "__main__":
    main()
