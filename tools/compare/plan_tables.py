#!/usr/bin/env python3
"""Prints the tables of docs/scaling.md from the output of `gradus plan`, as Markdown. Needs only Python.

    python3 tools/compare/plan_tables.py build/gradus published
    python3 tools/compare/plan_tables.py build/gradus scaling
    python3 tools/compare/plan_tables.py build/gradus check docs/scaling.md

published: predicted against measured speed. Each row is a run that others measured with other software; the rows fit and
test the plan's cost model. scaling: the same recipes on 8, 64 and 1,024 devices. check: prints the lines of both that the
page lacks; the exit status is 1 if there are any.
"""
import contextlib
import io
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

BASE = "[train]\ndtype = 'bf16'\ndevice = 'cuda'\nsteps = 1\n"


def gpt2(name, micro_batch, batch):
    return [f"model.name={name}", f"train.batch={batch}", f"train.micro_batch={micro_batch}"]


def megatron(layers, width, heads):
    """One micro-batch of all four sequences of a data-parallel rank; its size is not published."""
    return [f"model.layers={layers}", f"model.width={width}", f"model.heads={heads}", "model.vocab=131072",
            "model.tied=false", "train.context=4096", "train.batch=192", "train.micro_batch=4"]


def megatron_tokens(layers, width, gpus, tflops):
    """Tokens/s from TFLOP/s a GPU, by Megatron-LM's own formula: attention in full, the embedding not counted.

    >>> round(megatron_tokens(24, 2048, 48, 408.8))
    1740456
    """
    context, vocab = 4096, 131072
    flops = 72 * layers * width**2 * (1 + context / (6 * width) + vocab / (12 * width * layers))
    return tflops * 1e12 * gpus / flops


def qwen(layers, width, heads, kv_heads, feed_forward, vocab, tied, micro_batch):
    return ["model.family=llama", f"model.layers={layers}", f"model.width={width}", f"model.heads={heads}",
            f"model.kv_heads={kv_heads}", f"model.feed_forward={feed_forward}", f"model.vocab={vocab}",
            f"model.tied={tied}", "train.context=1024", "train.batch=512", f"train.micro_batch={micro_batch}"]


QWEN_HALF = qwen(24, 896, 14, 2, 4864, 151936, "true", 32)
QWEN_1_5 = qwen(28, 1536, 12, 2, 8960, 151936, "true", 16)
QWEN_3 = qwen(36, 2048, 16, 2, 11008, 151936, "true", 8)
QWEN_7 = qwen(28, 3584, 28, 4, 18944, 152064, "false", 4)

# run, settings, devices, mesh, measured tokens/s of all devices, whether the constant is fitted on it
ROWS = [
    ("llm.c GPT-2 1558M", gpt2("gpt2-1558m", 16, 1024), "8xH100", "", 381.4e3, True),
    ("LLMQ Qwen2.5 1.5B", QWEN_1_5, "8xH100", "", 456e3, True),
    ("llm.c GPT-2 124M", gpt2("gpt2-124m", 64, 512), "8xH100", "", 10e9 / (45 * 60), False),
    ("llm.c GPT-2 124M", gpt2("gpt2-124m", 64, 512), "8xA100-80", "", 524288 / 0.300, False),
    ("LLMQ Qwen2.5 0.5B", QWEN_HALF, "1xH100", "", 149e3, False),
    ("LLMQ Qwen2.5 0.5B", QWEN_HALF, "8xH100", "", 1127e3, False),
    ("LLMQ Qwen2.5 3B", QWEN_3, "1xH100", "", 31.0e3, False),
    ("LLMQ Qwen2.5 3B", QWEN_3, "8xH100", "", 240e3, False),
    ("LLMQ Qwen2.5 7B", QWEN_7, "8xH100", "", 112e3, False),
    ("Megatron-LM 1.7B", megatron(24, 2048, 16), "48xH100", "tp=1", megatron_tokens(24, 2048, 48, 408.8), False),
    ("Megatron-LM 7.1B", megatron(30, 4096, 32), "96xH100", "tp=2", megatron_tokens(30, 4096, 96, 465.9), False),
    ("Megatron-LM 16B", megatron(32, 6144, 48), "192xH100", "tp=4", megatron_tokens(32, 6144, 192, 489.1), False),
    ("Megatron-LM 32B", megatron(48, 7168, 56), "384xH100", "tp=8", megatron_tokens(48, 7168, 384, 459.6), False),
]


def plan(gradus, recipe, settings, devices, mesh):
    command = [gradus, "plan", recipe, "--json", "--devices", devices] + (["--mesh", mesh] if mesh else [])
    for setting in settings:
        command += ["--set", setting]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def published(gradus, recipe):
    errors = []
    print("| run | devices | measured tokens/s | predicted | error | ms: matmuls, attention, elementwise, update, tp, dp | |")
    print("|---|---|---|---|---|---|---|")
    for name, settings, devices, mesh, measured, fitted in ROWS:
        time = plan(gradus, recipe, settings, devices, mesh)["time"]
        error = time["tokens_per_second"] / measured - 1
        if not fitted:
            errors.append(abs(error))
        parts = ", ".join(f"{time[k] * 1e3:,.0f}"
                          for k in ("matmul", "attention", "rows", "update", "exposed_tp", "exposed_dp"))
        print(f"| {name} | {devices}{' ' + mesh if mesh else ''} | {measured:,.0f} | {time['tokens_per_second']:,.0f} "
              f"| {error:+.0%} | {parts} | {'fitted' if fitted else ''} |")
    print(f"\n{len(errors)} rows that were not fitted: median error {statistics.median(errors):.0%}, worst {max(errors):.0%}")


GPT3 = ["model.layers=96", "model.width=12288", "model.heads=96", "model.vocab=50257", "train.context=2048",
        "train.batch=1536", "train.recompute=true", "train.micro_batch=1"]
GPT2 = ["model.name=gpt2-1558m", "train.batch=1024", "train.recompute=true"]
LLAMA = ["model.name=llama-8b", "train.batch=128", "train.recompute=true", "train.micro_batch=1"]
SCALING = [
    ("gpt2-1558m", GPT2 + ["train.micro_batch=16"], "8xH100", "tp=1"),
    ("gpt2-1558m", GPT2 + ["train.micro_batch=16"], "64xH100", "tp=1"),
    ("gpt2-1558m", GPT2 + ["train.micro_batch=1"], "1024xH100", "tp=1"),
    ("llama-8b", LLAMA, "8xH100", "tp=1"),
    ("llama-8b", LLAMA, "8xH100", "tp=2"),
    ("llama-8b", LLAMA, "64xH100", "tp=1"),
    ("llama-8b", LLAMA, "64xH100", "tp=2"),
    ("llama-8b", LLAMA, "1024xH100", "tp=8"),
    ("GPT-3 175B", GPT3, "1024xH100", "tp=8"),
    ("GPT-3 175B", GPT3, "1024xH100", "tp=16"),
    ("GPT-3 175B", GPT3, "1024xH200", "tp=8"),
]


def scaling(gradus, recipe):
    print("| model | devices | mesh | GiB a rank | step | dp exposed, of | tp exposed, of | tokens/s | MFU |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, settings, devices, mesh in SCALING:
        p = plan(gradus, recipe, settings, devices, mesh)
        time, memory = p["time"], p["memory_of_rank"]
        fits = "" if memory["fits"] else " (too much)"
        exposed = [f"{time['exposed_' + axis] * 1e3:,.1f}, {time[axis] * 1e3:,.1f} ms" for axis in ("dp", "tp")]
        print(f"| {name} | {devices} | dp={p['mesh']['dp']} tp={p['mesh']['tp']} | {memory['total'] / 2**30:.1f}{fits} "
              f"| {time['step'] * 1e3:,.0f} ms | {exposed[0]} | {exposed[1]} | {time['tokens_per_second']:,.0f} "
              f"| {time['mfu']:.1%} |")


def check(gradus, recipe):
    page = pathlib.Path(sys.argv[3]).read_text().splitlines()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        published(gradus, recipe)
        scaling(gradus, recipe)
    rows = [line for line in printed.getvalue().splitlines() if line.startswith("|")]
    missing = [line for line in rows if line not in page]
    print("\n".join([f"{sys.argv[3]} does not have:", *missing]) if missing else f"all {len(rows)} lines are there")
    return bool(missing)


def main():
    tables = {"published": (published, 3), "scaling": (scaling, 3), "check": (check, 4)}
    if len(sys.argv) < 3 or sys.argv[2] not in tables or len(sys.argv) != tables[sys.argv[2]][1]:
        sys.exit(__doc__)
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as recipe:
        recipe.write(BASE)
        recipe.flush()
        sys.exit(tables[sys.argv[2]][0](sys.argv[1], recipe.name))


if __name__ == "__main__":
    main()
