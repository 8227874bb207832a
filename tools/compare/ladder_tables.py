#!/usr/bin/env python3
"""Fills the tables of rungs in docs/kernels/*.md, between `<!-- rungs: FAMILY -->` and `<!-- /rungs -->`.

    tools/compare/ladder_tables.py GRADUS [--measured FILE] [--family NAME]

GRADUS is the program, whose `bench ladder --json` counts and models every rung. If its build has CUDA and tests, ptxas said there how many
registers and how much static shared memory the rungs take that are not shipped. FILE: output of `bench ladder --device cuda --json`
on a GPU. What is not given is taken from the table that is there; measured times are never made up."""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/cuda"))
HEAD = ("| rung | idea | registers | shared memory | sectors / ideal | bank conflicts | modelled, {card} | limit | measured |\n"
        "|---|---|---|---|---|---|---|---|---|\n")
NOT_YET = "not measured yet"


def by_kernel(build):
    """{kernel: (registers, bytes of static shared memory)} for sm_90, or sm_80 where a kernel is not compiled for that: of the shipped
    ones by their budgets, of the others by the build."""
    import ptxas
    import sass
    budgets, found = tomllib.loads(sass.BUDGETS.read_text()), {}
    for card in ("80", "90"):
        found |= {name: (row["registers"], row.get("shared", 0)) for name, row in budgets[f"sm_{card}"].items()}
    used = sass.from_ptxas(ptxas.kept_outputs(build, ladder=True))
    names = sass.short_names(symbol for _, symbol in used)
    for card in ("80", "90"):
        found |= {names[symbol]: values for (c, symbol), values in used.items() if c == card}
    return found


def bytes_text(n):
    return f"{n / 1024:.3g} KiB" if n >= 1024 else f"{n} B" if n else "none"


def time_text(seconds):
    return f"{seconds * 1e6:.3g} µs" if seconds < 1e-3 else f"{seconds * 1e3:.3g} ms"


def names_of(rungs):
    """"registers", or "shipped, backward" where a rung is measured on several ops."""
    times = [r["rung"] for r in rungs]
    return [r["rung"] if times.count(r["rung"]) == 1 else f"{r['rung']}, {r['op'].rsplit('_', 1)[-1]}" for r in rungs]


def row_of(name, rung, ptxas, measured, before):
    kernels = rung["kernels"]
    known = [ptxas[k] for k in kernels if k in ptxas]
    registers = str(max(r for r, _ in known)) if known else before.get("registers", "?")
    shared = bytes_text(rung["shared_bytes"])
    conflicts = f"{100 * rung['bank_conflicts'] / rung['wavefronts']:.0f} %" if rung["wavefronts"] else "–"
    time = time_text(measured[name]) if name in measured else before.get("measured", NOT_YET)
    sectors = f"{rung['sectors'] / rung['ideal_sectors']:.2f}" if rung["ideal_sectors"] else "–"
    return (f"| {name} | {rung['idea']} | {registers} | {shared} | {sectors} | {conflicts} | {time_text(rung['modelled_seconds'])} | "
            f"{rung['limit']} | {time} |\n")


def old_rows(text):
    """{rung: {"registers": …, "measured": …}} of the table that is there."""
    rows = {}
    for line in text.splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if len(cells) >= 4 and cells[0] not in ("rung", "---"):
            rows[cells[0]] = {"registers": cells[2 if len(cells) == 9 else 1], "measured": cells[-1]}
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("gradus")
    for name in ("measured", "family"):
        parser.add_argument(f"--{name}")
    o = parser.parse_args()
    ptxas = by_kernel(pathlib.Path(o.gradus).parent)
    measured, by_family = {}, {}
    for line in pathlib.Path(o.measured).read_text().splitlines() if o.measured else []:
        rung = json.loads(line)
        by_family.setdefault(rung["family"], []).append(rung)
    for family, rungs in by_family.items():
        measured[family] = {name: r["measured_seconds"] for name, r in zip(names_of(rungs), rungs)}
    for page in sorted((ROOT / "docs/kernels").glob("*.md")):
        text = page.read_text()
        for found in re.finditer(r"<!-- rungs: (\w+) -->\n(.*?)<!-- /rungs -->", text, re.S):
            family, table = found.groups()
            if o.family and family != o.family:
                continue
            registers = ["--registers", str(ROOT / "tests/cuda/budgets.toml")]
            done = subprocess.run([o.gradus, "bench", "ladder", "--family", family, "--json", *registers], capture_output=True, text=True)
            if done.returncode:
                print(f"{page.relative_to(ROOT)}: {done.stderr.splitlines()[0]}")
                continue
            rungs = [json.loads(line) for line in done.stdout.splitlines()]
            before = old_rows(table)
            rows = "".join(row_of(name, r, ptxas, measured.get(family, {}), before.get(name, {})) for name, r in zip(names_of(rungs), rungs))
            head = f"Shape: {rungs[0]['shape']}, bf16. Counted in the emulator; modelled times are not measured ones ([../bench/model.md](../bench/model.md)).\n\n"
            text = text.replace(found[0], f"<!-- rungs: {family} -->\n{head}{HEAD.format(card=rungs[0]['card'])}{rows}<!-- /rungs -->")
            print(f"{page.relative_to(ROOT)}: {len(rungs)} rungs of {family}")
        page.write_text(text)


if __name__ == "__main__":
    main()
