#!/usr/bin/env python3
"""Fills the tables of docs/bench/targets.md: what the kernels and whole steps should reach on an H200, modelled, not measured.

    tools/compare/targets.py GRADUS COUNTS COUNTS_80

COUNTS is the output of `gradus bench ops --device simt --count --json --dtype bf16 --registers tests/cuda/budgets.toml`, COUNTS_80
the same with `--capability 80 --filter attention`. A step is the matmuls that `gradus plan` lists, each at the model's time of the library;
attention at the rate of the counted kernels; the other ops' bytes at the share of the bandwidth that the counted ones reach. The
host, communication and gaps between kernels take no time in it."""
import json
import math
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/bench/targets.md"
# tools/bench/model/card.cpp and estimate.h.
SMS, PEAK, COPY = 132, 989e12, 4300e9
MATMUL_RATE, DRAM_SHARE, FILL, LAUNCH = 0.79 * PEAK, 0.88, 2.6e-6, 1.5e-6
TILES = ((128, 256, 1.0), (256, 128, 1.0), (128, 128, 0.92), (128, 64, 0.75))
STEPS = (  # recipe, devices, settings, the counted model with heads as wide, target in tokens/s of a card
    ("gpt2-124m", "1xH200", ("train.micro_batch=32",), "gpt2", 500e3),
    ("gpt2-1558m", "8xH200", ("train.micro_batch=16",), "gpt2", 55e3),
    ("llama-8b", "8xH200", (), "llama", 10e3))
NOT_ROWS = ("linear", "attention", "adamw", "muon")


def read(file):
    return [json.loads(line) for line in pathlib.Path(file).read_text().splitlines()]


def matmul_seconds(m, n, k):
    best = min(math.ceil(math.ceil(m / rows) * math.ceil(n / columns) / SMS) * SMS * 2 * rows * columns * k / (MATMUL_RATE * share)
               for rows, columns, share in TILES) + FILL
    return max(best, 2 * (m * k + n * k + m * n) / (COPY * DRAM_SHARE)) + LAUNCH


def check_model(rows):
    """The formula above is that of tools/bench/model/estimate.cpp, which counted the library's matmuls."""
    for row in rows:
        for launch in row["launches"]:
            if launch["kernel"] == "library matmul" and row["limit"] == "tensor":
                ours, theirs = matmul_seconds(*map(int, launch["grid"].split("x"))), launch["modelled_seconds"]
                if abs(ours / theirs - 1) > 0.001:
                    sys.exit(f"error: the time of a matmul {launch['grid']} is {ours:.3e} s here and {theirs:.3e} s in the counts\n"
                             "  cause: the model of tools/bench/model/ has changed\n  fix:   change the constants of this script, too")


def footprint(row):
    return sum(launch["footprint_bytes"] for launch in row["launches"])


def causal_flops(row):
    """Of attention forward from its shape "model BxTxHxGxD"; backward has 5 products where forward has 2."""
    b, t, h, _, d = map(int, row["shape"].split()[1].split("x"))
    return 2 * b * h * t * t * d * (2.5 if "backward" in row["op"] else 1)


def one(rows, op, shape):
    found = [r for r in rows if r["op"] == op and r["shape"].startswith(shape)]
    if len(found) < 1:
        sys.exit(f"error: the counts have no {op} of {shape}\n  cause: the table needs it\n  fix:   count again, without --filter")
    return found[0]


def attention_line(rows, op, model, name, target):
    row = one(rows, op, model + " ")
    rate = causal_flops(row) / row["modelled_seconds"]
    share = rate / MATMUL_RATE
    return f"| {name} | {row['shape']} | {target} of a matmul | {share:.2f} ({rate / 1e12:.0f} TFLOP/s) | {row['limit']} |"


def memory_line(rows, op, shape, name, target):
    row = one(rows, op, shape)
    rate = footprint(row) / row["modelled_seconds"]
    return f"| {name} | {row['shape']} | {target} of a copy | {rate / COPY:.2f} ({rate / 1e9:.0f} GB/s) | {row['limit']} |"


def kernels(rows, rows_80):
    yield "| kernel | shape | target | modelled | limit |\n|---|---|---|---|---|"
    yield attention_line(rows_80, "attention_forward", "llama", "attention forward, mma.sync", "0.45")
    yield attention_line(rows_80, "attention_backward", "llama", "attention backward, mma.sync", "0.30")
    yield attention_line(rows, "attention_forward", "llama", "attention forward on Hopper", "0.75")
    yield attention_line(rows, "attention_backward", "llama", "attention backward on Hopper", "0.30")
    for model in ("gpt2", "llama"):
        kind = "layernorm" if model == "gpt2" else "rmsnorm"
        for op, name, target in ((f"{kind}_forward", f"{kind} forward", "0.85"), (f"add_{kind}_forward", f"residual and {kind}", "0.85"),
                                 (f"{kind}_backward", f"{kind} backward", "0.80"), ("cross_entropy", "cross-entropy", "0.85")):
            yield memory_line(rows, op, model + " ", name, target)
    yield memory_line(rows, "adamw", "gpt2 ", "AdamW", "0.90")
    for sequences in (1, 16):
        yield memory_line(rows, "attention_cached", f"llama {sequences}x8192x", f"decoding, {sequences} × 8,192 positions", "0.80")


def step(gradus, rows, recipe, devices, settings, model, target):
    command = [gradus, "plan", f"tools/recipes/{recipe}.toml", "--devices", devices, "--json"]
    for setting in settings:
        command += ["--set", setting]
    plan = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout)
    work = plan["work"]
    matmul = sum(m["calls"] * matmul_seconds(*m["shape"]) for m in work["matmuls"])
    both = [one(rows, f"attention_{way}", model + " ") for way in ("forward", "backward")]
    attention = work["attention"]["flops"] * sum(r["modelled_seconds"] for r in both) / sum(map(causal_flops, both))
    others = [r for r in rows if r["shape"].startswith(model + " ") and not r["op"].startswith(NOT_ROWS)]
    rows_seconds = work["rows"]["bytes"] * sum(r["modelled_seconds"] for r in others) / sum(map(footprint, others))
    adamw = one(rows, "adamw", model + " ")
    update = work["update"]["bytes"] * adamw["modelled_seconds"] / footprint(adamw)
    total = matmul + attention + rows_seconds + update
    tokens = plan["sequences"] * plan["context"]
    shares = " | ".join(f"{100 * part / total:.0f} %" for part in (matmul, attention, rows_seconds, update))
    return (f"| {recipe}, T = {plan['context']:,}, micro-batch {plan['micro_batch']} | {target:,.0f} | {tokens / total:,.0f} | {shares} |")


def filled(text, name, lines):
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    head, rest = text.split(begin)
    return head + begin + "\n".join(line for line in lines if line) + "\n" + end + rest.split(end)[1]


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    gradus, rows, rows_80 = sys.argv[1], read(sys.argv[2]), read(sys.argv[3])
    check_model(rows)
    text = filled(PAGE.read_text(), "kernels", kernels(rows, rows_80))
    steps = ["| run | target, tokens/s of a card | modelled | matmuls | attention | other ops | update |\n|---|---|---|---|---|---|---|"]
    steps += [step(gradus, rows, *each) for each in STEPS]
    PAGE.write_text(filled(text, "steps", steps))


main()
