#!/usr/bin/env python3
"""Alternates gradus and TRL on the same steps of SFT or DPO and prints one row of a Markdown table.

    python3 tools/compare/trl_speed.py sft --rounds 3             TRL pads each text to the longest of the batch: its default
    python3 tools/compare/trl_speed.py sft --packing --rounds 3   TRL's SFTConfig(packing=True)
    python3 tools/compare/trl_speed.py dpo --rounds 3

The model is a GPT-2 of 124M random weights, the data are ../shared/data's Alpaca seed tasks and hh-harmless pairs. A round takes
other examples than the last, and its examples are one batch, so that every step of both programs does the same work. Before
times are compared, the numbers are: loss and gradient norm of the first step, and the loss of the second. A time is the median
of a round's steps after the first two; the ratio is the median over the rounds (above 1: gradus is faster). A round in which
other programs had more than a twentieth of the processors does not count.

Run it with the Python that has torch, transformers and trl. `python3 -m doctest` tests what needs none of them.
"""
import argparse
import gzip
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
SHARED = HERE.parents[2] / "shared" / "data"
HEADER = ("| step | rounds | tokens | TRL's positions | gradus ms (best) | examples/s | TRL ms (best) | examples/s "
          "| ratio (range) |\n"
          "|---|---|---|---|---|---|---|---|---|")
WARM_UP = 2  # steps that are not timed
OTHERS = 0.05  # largest share of the processors that other programs may have in a round that counts
# glibc gives large tensors back to the system after each use and asks for them again, page by page. PyTorch's guide to tuning
# recommends another malloc; these variables have the same effect and need no package. gradus allocates before the first step.
KEEPS_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(10**11), "MALLOC_TOP_PAD_": str(10**9)}


def turns_of(transcript):
    """The turns of Anthropic's transcripts, as messages.

    >>> turns_of("\\n\\nHuman: hi\\n\\nAssistant: Hello.\\n\\nHuman: bye\\n\\nAssistant:")
    [('user', 'hi'), ('assistant', 'Hello.'), ('user', 'bye'), ('assistant', '')]
    """
    turns = []
    for piece in transcript.replace("\n\nHuman:", "\0user\1").replace("\n\nAssistant:", "\0assistant\1").split("\0")[1:]:
        role, content = piece.split("\1")
        turns.append((role, content.strip()))
    return turns


def plain(turns):
    """What gradus makes of the turns with the template `plain`, up to the answer that follows.

    >>> plain([("user", "hi"), ("assistant", "Hello."), ("user", "bye")])
    'User: hi\\nAssistant: Hello.<|endoftext|>\\nUser: bye\\nAssistant:'
    """
    forms = {"user": "User: {}\n", "assistant": "Assistant: {}<|endoftext|>\n"}
    return "".join(forms[role].format(content) for role, content in turns) + "Assistant:"


def messages(turns):
    return [{"role": role, "content": content} for role, content in turns]


def demonstrations(path):
    """Pairs: an example for gradus, the same for TRL."""
    for line in path.read_text().splitlines():
        task = json.loads(line)
        instance = task["instances"][0]
        question = "\n".join(filter(None, (task["instruction"].strip(), instance["input"].strip())))
        turns, answer = [("user", question)], instance["output"].strip()
        if answer:
            yield ({"messages": messages([*turns, ("assistant", answer)])},
                   {"prompt": plain(turns), "completion": " " + answer})


def preferences(path):
    for line in gzip.decompress(path.read_bytes()).decode().splitlines():
        chosen, rejected = (turns_of(json.loads(line)[key]) for key in ("chosen", "rejected"))
        turns = chosen[:-1]
        if turns == rejected[:-1] and chosen[-1] != rejected[-1] and chosen[-1][1] and rejected[-1][1]:
            yield ({"prompt": messages(turns), "chosen": messages(chosen[-1:]), "rejected": messages(rejected[-1:])},
                   {"prompt": plain(turns), "chosen": " " + chosen[-1][1], "rejected": " " + rejected[-1][1]})


def texts(example):
    return [example["prompt"] + example[key] + "<|endoftext|>" for key in ("completion", "chosen", "rejected") if key in example]


def check(ours, theirs):
    """That both did the same work; the message says where they part.

    >>> a = {"losses": [10.8, 10.1], "grad_norms": [2.0]}
    >>> check(a, a)
    >>> check(a, {"losses": [10.81, 10.1], "grad_norms": [2.0]})
    Traceback (most recent call last):
    ValueError: loss of step 1: 10.8 and 10.81
    >>> check(a, {"losses": [float("nan"), 10.1], "grad_norms": [2.0]})
    Traceback (most recent call last):
    ValueError: loss of step 1: 10.8 and nan
    """
    for what, key, step, bound in (("loss", "losses", 0, 1e-4), ("gradient norm", "grad_norms", 0, 1e-3),
                                   ("loss", "losses", 1, 1e-3)):
        x, y = ours[key][step], theirs[key][step]
        if not abs(x - y) <= bound * abs(x):
            raise ValueError(f"{what} of step {step + 1}: {x:.8g} and {y:.8g}")


def timed(side):
    return statistics.median(side["ms"][WARM_UP:])


def row(name, examples, rounds):
    """
    >>> a = {"tokens": 900, "positions": 2000, "gradus": {"ms": [9, 9, 500, 400, 600]}, "trl": {"ms": [9, 9, 1000]}}
    >>> b = a | {"tokens": 1100, "positions": 2200, "trl": {"ms": [9, 9, 1100]}}
    >>> row("sft", 8, [a, b])
    '| sft | 2 | 1,000 | 2,100 | 500 (400) | 16.0 | 1050 (1000) | 7.6 | **2.10** (2.00 to 2.20) |'
    """
    def side(key):
        ms = statistics.median(timed(r[key]) for r in rounds)
        return f"{ms:.0f} ({min(min(r[key]['ms'][WARM_UP:]) for r in rounds):.0f})", f"{1e3 * examples / ms:.1f}"

    def median(key):
        return f"{statistics.median(r[key] for r in rounds):,.0f}"

    ratios = [timed(r["trl"]) / timed(r["gradus"]) for r in rounds]
    cells = (name, str(len(rounds)), median("tokens"), median("positions"), *side("gradus"), *side("trl"),
             f"**{statistics.median(ratios):.2f}** ({min(ratios):.2f} to {max(ratios):.2f})")
    return "| " + " | ".join(cells) + " |"


def busy_seconds():
    """Processor time that all programs of the machine have used."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()
    user, nice, system, _, _, irq, softirq = map(int, fields[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def run(command, threads):
    """The program's output, and the share of the processors that other programs had meanwhile."""
    os.sync()  # what the last program wrote does not go to the disk while this one is timed
    environment = os.environ | KEEPS_MEMORY | {"OMP_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"}
    began, others = time.monotonic(), busy_seconds() - sum(os.times()[:4])
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        sys.exit(f"trl_speed.py: {' '.join(map(str, command))}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    others = busy_seconds() - sum(os.times()[:4]) - others
    return done.stdout, max(0.0, others / (time.monotonic() - began) / os.cpu_count())


def make_model(folder):
    """GPT-2 124M with random weights, no dropout, and its tokenizer, where there is none; returns the tokenizer."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    import transformers

    torch.manual_seed(1)
    if (folder / "model.safetensors").exists():
        return transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer = transformers.GPT2TokenizerFast(str(SHARED / "vocab/gpt2-vocab.json"), str(SHARED / "vocab/gpt2-merges.txt"))
    tokenizer.save_pretrained(folder)
    torch.manual_seed(1)
    config = transformers.GPT2Config(resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)
    transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    return tokenizer


def gradus_steps(a, model, data, scratch):
    run_dir = scratch / "run"
    command = [a.gradus, a.stage, f"--model.from={model}", f"--{a.stage}.data={data}", f"--{a.stage}.template=plain",
               f"--{a.stage}.val_share=0", f"--run.dir={run_dir}", f"--train.context={a.context}",
               f"--train.steps={a.steps}", f"--train.threads={a.threads}",
               f"--optimizer.lr={a.lr}", f"--optimizer.min_lr={a.lr}", "--optimizer.schedule=constant", "--optimizer.warmup=0",
               *(word for setting in a.set for word in ("--set", setting))]
    if a.stage == "dpo":
        command.append(f"--train.batch={a.examples}")
    else:  # all rows of an epoch are one step
        shown, _ = run([*command, "--train.batch=1", "--dry-run"], a.threads)
        rows = re.search(r"([0-9,]+) rows? an epoch", shown)
        if not rows:
            sys.exit(f"trl_speed.py: gradus does not say how many rows an epoch has:\n{shown}")
        command.append("--train.batch=" + rows[1].replace(",", ""))
    _, others = run(command, a.threads)
    lines = [json.loads(line) for line in (run_dir / "log.jsonl").read_text().splitlines()]
    shutil.rmtree(run_dir)
    return {"ms": [s["ms"] for s in lines], "losses": [s["loss"] for s in lines], "grad_norms": [s["grad_norm"] for s in lines],
            "others": others}


def trl_steps(a, model, data, scratch):
    command = [sys.executable, HERE / "trl_step.py", a.stage, "--model", model, "--data", data, "--steps", a.steps, "--context",
               a.context, "--lr", a.lr, "--threads", a.threads, "--out", scratch / "trl", *(["--packing"] if a.packing else [])]
    output, others = run(command, a.threads)
    return json.loads(output.splitlines()[-1]) | {"others": others}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("stage", choices=("sft", "dpo"))
    p.add_argument("--gradus", default=str(HERE.parents[1] / "build" / "release" / "gradus"))
    p.add_argument("--model", help="folder to make the model in, or that has it already; else a temporary one")
    p.add_argument("--packing", action="store_true", help="TRL packs, too")
    p.add_argument("--examples", type=int, default=8, help="conversations or pairs in a step")
    p.add_argument("--context", type=int, default=256, help="longer examples are left out; gradus packs rows of this length")
    p.add_argument("--steps", type=int, default=6)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--results", help="file that rounds are appended to; the row is of all of them")
    p.add_argument("--lr", type=float, default=1e-5)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="another setting of gradus")
    a = p.parse_args()
    if a.rounds < 1 or a.steps <= WARM_UP:
        p.error(f"there must be a round, and more than {WARM_UP} steps")
    if a.packing and a.stage != "sft":
        p.error("TRL packs in sft only")

    with tempfile.TemporaryDirectory(prefix="trl_speed.") as folder:
        scratch = pathlib.Path(folder)
        model = pathlib.Path(a.model or scratch / "model")
        tokenizer = make_model(model)
        files = {"sft": (demonstrations, "chat/alpaca-seed-tasks.jsonl"), "dpo": (preferences, "prefs/hh-harmless.jsonl.gz")}
        read, file = files[a.stage]
        fitting = []
        for ours, theirs in read(SHARED / file):
            lengths = [len(tokenizer(text)["input_ids"]) for text in texts(theirs)]
            if max(lengths) <= a.context:
                fitting.append((ours, theirs, lengths))
        results = pathlib.Path(a.results or scratch / "results.jsonl")
        done = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
        what, padding = ("conversations" if a.stage == "sft" else "pairs"), ("packs" if a.packing else "pads")
        name = f"{a.stage}: {a.examples} {what} of at most {a.context} tokens, TRL {padding}"
        if any(r["name"] != name for r in done):
            p.error(f"{results} has rounds of other steps than '{name}'")
        if len(fitting) < (len(done) + a.rounds) * a.examples:
            p.error(f"{len(fitting)} examples of at most {a.context} tokens are too few for the rounds")

        for r in range(len(done), len(done) + a.rounds):
            batch = fitting[r * a.examples:(r + 1) * a.examples]
            place = scratch / f"round-{r}"
            place.mkdir()
            for side, kind in enumerate(("gradus", "trl")):
                (place / f"{kind}.jsonl").write_text("".join(json.dumps(b[side]) + "\n" for b in batch))
            ours = gradus_steps(a, model, place / "gradus.jsonl", place)
            theirs = trl_steps(a, model, place / "trl.jsonl", place)
            shutil.rmtree(place)
            try:
                check(ours, theirs)
            except ValueError as problem:
                sys.exit(f"trl_speed.py: gradus and TRL did not do the same work: {problem}")
            lengths = [n for b in batch for n in b[2]]
            done.append({"name": name, "tokens": sum(lengths),
                         "positions": sum(lengths) if a.packing else max(lengths) * len(lengths), "gradus": ours,
                         "trl": theirs})
            with results.open("a") as lines:
                lines.write(json.dumps(done[-1]) + "\n")
            print(f"round {r + 1}: " + "; ".join(
                f"{name} {timed(side):.0f} ms, first loss {side['losses'][0]:.6f}, gradient norm {side['grad_norms'][0]:.4f}, "
                f"second loss {side['losses'][1]:.6f}, other programs {side['others']:.0%}"
                for name, side in (("gradus", ours), ("TRL", theirs))), file=sys.stderr)
    print(HEADER)
    quiet = [r for r in done if max(r["gradus"]["others"], r["trl"]["others"]) <= OTHERS]
    if not quiet:
        sys.exit(f"trl_speed.py: other programs had more than {OTHERS:.0%} of the processors in every round")
    print(row(name, a.examples, quiet))


if __name__ == "__main__":
    main()
