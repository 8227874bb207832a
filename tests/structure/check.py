#!/usr/bin/env python3
"""What the tree promises about itself: include arrows, file lengths, formatting of names. Prints every breach.

usage: check.py ROOT arrows | lengths | words | names
"""
import pathlib
import re
import subprocess
import sys

# A folder may include from itself, from engine/base, and from these.
ARROWS = {
    "engine/base": [],
    "kernels": [],
    "tokenizer": [],
    "data": ["tokenizer"],
    "engine": ["kernels"],
    "align": ["engine", "kernels", "data", "tokenizer"],
    "tools": ["engine", "kernels", "data", "tokenizer", "align"],
    "tests": ["engine", "kernels", "data", "tokenizer", "align", "tools"],
}
# The parts of the engine. Every one may include from the core, which is the rest of engine, and from these; the core from none.
ENGINE = {
    "engine/loop": ["engine/checkpoint"],
    "engine/generate": [],
    "engine/checkpoint": [],
    "engine/convert": ["engine/checkpoint"],
    "engine/plan": ["engine/checkpoint", "engine/generate", "engine/loop"],
    "engine/comm_mpi": [],
    "engine/comm_nccl": ["engine/comm_mpi"],
}
# Headers below kernels/ are internals: of the kernels, of their tests and of their benchmarks.
KERNEL_INTERNALS = ("kernels/", "tests/", "tools/bench/")
DEVICE_HEADERS = re.compile(r"#include <(cuda|cublas|cudnn|nccl|mpi)")
DEVICE_PLACES = ("kernels/cuda/", "engine/comm_nccl", "engine/comm_mpi", "tests/comm_nccl/fake/",
                 "tests/kernels/cuda_host/fake/", "tests/kernels/cublaslt/")
LONGEST = 400
# Words that speak of how the work was done and not of the program.
# A file of the tree, as a comment or a page names it: by its path, perhaps from a folder above or beside it.
NAMED = re.compile(r"(?<![\w/.<-])((?:[\w-]+/)+[\w-]+\.(?:h|cpp|cu|py|md|toml|sh|cmake|bash))\b")
# A list of CMake does not end an item inside [ without ]: the tests that follow such a name would run as one, which is none.
OPEN_BRACKET = re.compile(r'TEST_CASE\((?:\s*)"[^"]*\[[^]"]*"')
FORBIDDEN = re.compile(r"TODO|FIXME|XXX|\bnot (yet )?implemented\b|#if 0\b")


def tracked(root):
    out = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True)
    return [pathlib.Path(p) for p in sorted(set(out.stdout.splitlines())) if (root / p).is_file()]


def sources(root):
    return [p for p in tracked(root) if p.suffix in (".h", ".cpp", ".cu", ".cuh")]


def folder(path):
    return "engine/base" if path.startswith("engine/base/") else path.split("/")[0]


def engine_part(path):
    return next((p for p in ENGINE if path.startswith(p + "/")), "core")


def breach_within(here, there):
    """Why one file of engine may not include another, or a file of another folder may not include an internal header."""
    if here.startswith("engine/") and there.startswith("engine/"):
        mine, theirs = engine_part(here), engine_part(there)
        if theirs not in ("core", mine, *ENGINE.get(mine, [])):
            return f"{mine} may not include from {theirs}"
    if there.startswith("kernels/") and there.count("/") > 1 and not here.startswith(KERNEL_INTERNALS):
        return f"internals of the kernels are for {', '.join(KERNEL_INTERNALS)}"
    return None


def arrows(root):
    for p in sources(root):
        here = folder(p.as_posix())
        if here not in ARROWS:
            yield f"{p}: lies outside the house ({', '.join(ARROWS)})"
            continue
        for n, line in enumerate((root / p).read_text().splitlines(), 1):
            m = re.match(r'\s*#\s*include "([^"]+)"', line)
            if m:
                there = folder(m[1])
                if not (root / m[1]).is_file():
                    yield f"{p}:{n}: \"{m[1]}\" is not a path from the root of the tree"
                elif there not in (here, "engine/base", *ARROWS[here]):
                    yield f"{p}:{n}: {here} may not include from {there} ({m[1]})"
                elif breach := breach_within(p.as_posix(), m[1]):
                    yield f"{p}:{n}: {breach} ({m[1]})"
            if DEVICE_HEADERS.match(line) and not p.as_posix().startswith(DEVICE_PLACES):
                yield f"{p}:{n}: GPU and MPI headers belong in {', '.join(DEVICE_PLACES)}"


def lengths(root):
    for p in sources(root) + [q for q in tracked(root) if q.suffix == ".py"]:
        n = len((root / p).read_text().splitlines())
        if n > LONGEST:
            yield f"{p}: {n} lines; split it by idea, the cap is {LONGEST}"


def words(root):
    for p in sources(root):
        for n, line in enumerate((root / p).read_text().splitlines(), 1):
            if FORBIDDEN.search(line):
                yield f"{p}:{n}: {line.strip()}"
            if OPEN_BRACKET.search(line):
                yield f"{p}:{n}: a test's name has [ without ]"


def names(root):
    files = {p.as_posix() for p in tracked(root)}
    folders = {part for name in files for part in name.split("/")[:-1]}
    for p in [q for q in tracked(root) if q.suffix in (".h", ".cpp", ".cu", ".md", ".txt", ".cmake")]:
        above = [a.as_posix() for a in p.parents]
        for n, line in enumerate((root / p).read_text(errors="replace").splitlines(), 1):
            for name in NAMED.findall(line):
                if name.split("/")[0] not in folders or "NAME" in name:
                    continue  # of another program, or a pattern
                if not any((a + "/" + name).removeprefix("./") in files for a in above):
                    yield f"{p}:{n}: names {name}, which is not there"


def main():
    root, what = pathlib.Path(sys.argv[1]), sys.argv[2]
    breaches = list({"arrows": arrows, "lengths": lengths, "words": words, "names": names}[what](root))
    print("\n".join(breaches) or f"{what}: as promised")
    return bool(breaches)


if __name__ == "__main__":
    sys.exit(main())
