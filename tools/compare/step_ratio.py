#!/usr/bin/env python3
"""Alternates gradus and PyTorch on the same training step and prints one row of a Markdown table.

    python3 tools/compare/step_ratio.py --batch 4 --context 64 --dtype f32 --rounds 5

They alternate because a machine's clock drifts: each round runs both, and the ratio is the median of the rounds' ratios of
median seconds (above 1: gradus is faster). Run it with the Python that has PyTorch. `python3 -m doctest` tests the
parsing.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
NEEDED = ("seconds_median", "seconds_best", "tokens_per_second", "gflops")
HEADER = ("| step | rounds | gradus s (best) | GFLOP/s | share of ceiling | MiB "
          "| PyTorch s (best) | GFLOP/s | MiB | ratio (range) |\n"
          "|---|---|---|---|---|---|---|---|---|---|")


def parse(output):
    """The measurement in a program's output: the last line that is a JSON object.

    >>> parse('hello\\n{"seconds_median": 2, "seconds_best": 1, "tokens_per_second": 128, "gflops": 9}\\n')["gflops"]
    9
    >>> parse('{"seconds_median": 2}')
    Traceback (most recent call last):
    ValueError: the measurement lacks seconds_best, tokens_per_second, gflops
    >>> parse('{"seconds_median": NaN, "seconds_best": 1, "tokens_per_second": 128, "gflops": 9}')
    Traceback (most recent call last):
    ValueError: seconds_median is nan
    >>> parse('out of memory')
    Traceback (most recent call last):
    ValueError: no line of JSON in the output
    """
    lines = [line for line in output.splitlines() if line.lstrip().startswith("{")]
    if not lines:
        raise ValueError("no line of JSON in the output")
    found = json.loads(lines[-1])
    missing = [key for key in NEEDED if key not in found]
    if missing:
        raise ValueError("the measurement lacks " + ", ".join(missing))
    for key in NEEDED:
        if not 0 < found[key] < float("inf"):
            raise ValueError(f"{key} is {found[key]}")
    return found


def row(name, ours, theirs):
    """
    >>> a = {"seconds_median": 0.5, "seconds_best": 0.4, "gflops": 300.0, "share_of_ceiling": 0.7, "peak_rss_mib": 2000}
    >>> b = {"seconds_median": 1.0, "seconds_best": 0.9, "gflops": 150.0, "peak_rss_mib": 3000}
    >>> slow = b | {"seconds_median": 1.5}
    >>> row("f32", [a, a, a], [b, b, slow])
    '| f32 | 3 | 0.500 (0.400) | 300 | 70% | 2000 | 1.000 (0.900) | 150 | 3000 | 2.00 (2.00 to 3.00) |'
    >>> row("f32", [a | {"share_of_ceiling": None}], [b]).split("|")[5]
    ' - '
    """
    def median(runs, key, form):
        values = [r[key] for r in runs if r.get(key) is not None]
        return form.format(statistics.median(values)) if values else "-"

    def side(runs):
        return (median(runs, "seconds_median", "{:.3f}") + f" ({min(r['seconds_best'] for r in runs):.3f})",
                median(runs, "gflops", "{:.0f}"))

    ratios = [t["seconds_median"] / o["seconds_median"] for o, t in zip(ours, theirs)]
    cells = (name, str(len(ours)), *side(ours), median(ours, "share_of_ceiling", "{:.0%}"),
             median(ours, "peak_rss_mib", "{:.0f}"), *side(theirs), median(theirs, "peak_rss_mib", "{:.0f}"),
             f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    return "| " + " | ".join(cells) + " |"


def run(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ValueError(f"exit status {done.returncode}\n{done.stderr.strip()}")
        return parse(done.stdout)
    except (OSError, ValueError) as problem:
        sys.exit(f"step_ratio.py: {' '.join(map(str, command))}: {problem}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--gradus", default=str(HERE.parents[1] / "build" / "release" / "gradus"))
    p.add_argument("--batch", type=int, default=4)
    p.add_argument("--context", type=int, default=64)
    p.add_argument("--dtype", choices=("f32", "bf16"), default="f32")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--mode", choices=("eager", "compile"), default="eager", help="PyTorch's")
    p.add_argument("--steps", type=int, default=10, help="PyTorch's steps per round")
    p.add_argument("--rounds", type=int, default=5)
    a = p.parse_args()
    if a.rounds < 1:
        p.error("--rounds must be at least 1")

    shape = ["--batch", str(a.batch), "--context", str(a.context), "--dtype", a.dtype,
             "--threads", str(a.threads), "--json"]
    gradus = [a.gradus, "bench", "step", "--model", "gpt2-124m", *shape]
    pytorch = [sys.executable, str(HERE / "pytorch_step.py"), *shape, "--mode", a.mode, "--steps", str(a.steps)]
    ours, theirs = [], []
    for i in range(a.rounds):
        ours.append(run(gradus))
        theirs.append(run(pytorch))
        print(f"round {i + 1}: gradus {ours[-1]['seconds_median']:.3f} s, PyTorch {theirs[-1]['seconds_median']:.3f} s",
              file=sys.stderr)
    print(HEADER)
    print(row(f"GPT-2 124M {a.dtype} B={a.batch} T={a.context}, PyTorch {a.mode}, {a.threads} threads", ours, theirs))


if __name__ == "__main__":
    main()
