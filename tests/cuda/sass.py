#!/usr/bin/env python3
"""Holds every shipped kernel to its budget (tests/cuda/budgets.toml): registers, shared memory and the blocks that fit on an SM,
from the output of ptxas; and what its hot loop is made of, from the machine code.

    tests/cuda/sass.py BUILD                  checks the kernels of a build with CUDA and tests
    tests/cuda/sass.py BUILD --write [COUNTS] writes the budgets of today; COUNTS: output of `gradus bench ops --count --json`, which
                                              has the threads and the dynamic shared memory of the launches

Machine code needs cuobjdump and nvdisasm, of a CUDA toolkit or of the PyPI packages nvidia-cuda-cuobjdump and nvidia-cuda-nvdisasm
(in a virtual environment: GRADUS_CUOBJDUMP names the program). Without them only the first half is checked, and the script says so. Exit
status 77 if the build has none. A budget without a kernel is a fault, and so is a kernel without a budget."""
import bisect
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib

from ptxas import CARDS, card_of, kept_outputs

HERE = pathlib.Path(__file__).resolve().parent
BUDGETS = HERE / "budgets.toml"
SHARED_OF_SM = {"80": 164 << 10, "90": 228 << 10, "100": 228 << 10}
REGISTERS_OF_SM, THREADS_OF_SM, BLOCKS_OF_SM, RESERVED = 65536, 2048, 32, 1024

ENTRY = re.compile(r"Compiling entry function '(\S+)' for 'sm_(\w+)'")
USED = re.compile(r"Used (\d+) registers")
SHARED = re.compile(r"(\d+) bytes smem")
CODE = re.compile(r"code for sm_(\w+)")
FUNCTION = re.compile(r"Function : (\S+)")
INSTRUCTION = re.compile(r"/\*([0-9a-f]{4,})\*/\s+(?:@!?U?P\w+ )?\s*([A-Z0-9_.]+)([^;]*);")
ENCODING = "/* 0x"
WORK = ("HMMA", "HGMMA", "FFMA", "FADD", "FMUL", "LDG", "STG", "LDGSTS", "MUFU")


def short_names(symbols):
    """layernorm_forward_kernel<float> for each mangled name, as kernels/simt/counters.cpp calls it."""
    symbols = sorted(set(symbols))
    lines = subprocess.run(["c++filt"], input="\n".join(symbols), capture_output=True, text=True, check=True).stdout.splitlines()
    names = {}
    for symbol, line in zip(symbols, lines):
        line = line.replace("(anonymous namespace)::", "").removeprefix("void ")
        depth, end = 0, len(line)
        for i, c in enumerate(line):
            depth += (c == "<") - (c == ">")
            if c == "(" and depth == 0:
                end = i
                break
        names[symbol] = re.sub(r"\bgradus::(cuda::)?", "", line[:end])
    return names


def resident(card, threads, registers, shared):
    of_thread = -(-registers // 8) * 8
    warps = -(-threads // 32)
    return max(0, min(BLOCKS_OF_SM, THREADS_OF_SM // (32 * warps), REGISTERS_OF_SM // (32 * warps * max(of_thread, 8)),
                      SHARED_OF_SM[card] // (shared + RESERVED)))


def from_ptxas(outputs):
    """{(card, symbol): (registers, static shared bytes)} of the files of ptxas.kept_outputs()"""
    found = {}
    for file in outputs:
        key = None
        for line in file.read_text().splitlines():
            if m := ENTRY.search(line):
                key = (card_of(m[2]), m[1])
            elif (m := USED.search(line)) and key:
                found[key] = (int(m[1]), max([0] + [int(n) for n in SHARED.findall(line)]))
    return found


def cuobjdump():
    named = os.environ.get("GRADUS_CUOBJDUMP") or shutil.which("cuobjdump")
    return named if named and os.path.exists(named) else None


def loops_of(code):
    """The instructions of each innermost loop: those between the target of a branch backwards and the branch. A loop around others
    counts if none of them works: waiting for a barrier is a loop too."""
    addresses = [address for address, _, _ in code]
    loops = []
    for i, (address, name, rest) in enumerate(code):
        if name.startswith("BRA") and (m := re.search(r"0x([0-9a-f]+)", rest)) and int(m[1], 16) <= address:
            first = bisect.bisect_left(addresses, int(m[1], 16))
            if first < i:  # a branch to itself ends every kernel
                loops.append((first, i))
    works = [(first, last) for first, last in loops if any(n.startswith(WORK) for _, n, _ in code[first:last + 1])]
    for first, last in works or loops:
        if not any((f, l) != (first, last) and first <= f and l <= last for f, l in works):
            yield [n for _, n, _ in code[first:last + 1]]


def figures_of(code):
    """What the hot loop is made of: the loop with the most matrix instructions, else with the most accesses to global memory,
    and among equals the shortest; the whole kernel if it has no loop."""
    def counts(names):
        def of(*starts):
            return sum(n.startswith(starts) for n in names)
        loads = [n for n in names if n.startswith("LDG")]
        return {"instructions": len(names), "mma": of("HMMA", "HGMMA"), "ldsm": of("LDSM"), "mufu": of("MUFU"), "calls": of("CALL"),
                "global": of("LDG", "STG", "LDGSTS"), "loads": len(loads), "wide": sum(".128" in n for n in loads), "local": of("LDL", "STL")}
    everything = counts([n for _, n, _ in code])
    best = max((counts(loop) for loop in loops_of(code)), default=everything,
               key=lambda c: (c["mma"], c["global"] > 0, -c["instructions"]))
    return {"local": everything["local"], **{k: v for k, v in best.items() if k != "local"}}


def from_sass(outputs, tool):
    """{(card, symbol): figures}"""
    found = {}
    environment = dict(os.environ, PATH=f"{os.path.dirname(tool)}:{os.environ['PATH']}")
    for file in outputs:
        dump = subprocess.run([tool, "--dump-sass", str(file).removesuffix(".txt")], capture_output=True, text=True, env=environment, check=True).stdout
        card = symbol = None
        codes = collections.defaultdict(list)
        for line in map(str.lstrip, dump.splitlines()):
            if line.startswith(ENCODING):
                continue
            if m := INSTRUCTION.match(line):
                if card in CARDS and symbol:
                    codes[(card, symbol)].append((int(m[1], 16), m[2], m[3]))
            elif m := CODE.search(line):
                card = card_of(m[1])
            elif m := FUNCTION.search(line):
                symbol = m[1]
        for key, code in codes.items():
            found[key] = figures_of(code)
    return found


def faults_of(card, kernel, budget, used, figures):
    registers, shared = used
    where = f"{kernel} for sm_{card}"
    if registers > budget["registers"]:
        yield f"{where}: {registers} registers; its budget is {budget['registers']}"
    if shared > budget.get("shared", 0):
        yield f"{where}: {shared} bytes of static shared memory; its budget is {budget.get('shared', 0)}"
    if "threads" in budget:
        blocks = resident(card, budget["threads"], registers, shared + budget.get("dynamic", 0))
        if blocks < budget["blocks"]:
            yield f"{where}: {blocks} blocks of {budget['threads']} threads fit on an SM; its budget is {budget['blocks']}"
    if not figures:
        return
    if figures["local"]:
        yield f"{where}: {figures['local']} accesses to local memory"
    if figures["calls"] > budget.get("calls", 0):
        yield f"{where}: {figures['calls']} calls in its hot loop; its budget is {budget.get('calls', 0)}"
    for key, limit in budget.items():
        have = ratio(figures, key)
        if key in ("mma_per_ldsm", "wide_loads") and have < limit - 0.005:
            yield f"{where}: {key} is {have:.2f} in its hot loop; its budget is at least {limit}"
        if key == "mufu_per_mma" and have > limit + 0.005:
            yield f"{where}: {key} is {have:.2f} in its hot loop; its budget is at most {limit}"


def ratio(figures, key):
    over = {"mma_per_ldsm": ("mma", "ldsm"), "mufu_per_mma": ("mufu", "mma"), "wide_loads": ("wide", "loads")}.get(key)
    return figures[over[0]] / figures[over[1]] if over and figures[over[1]] else 0


def launches(counts):
    """{kernel: (threads, dynamic shared bytes)} of counted launches: the largest."""
    found = {}
    for line in counts.read_text().splitlines() if counts else []:
        for launch in json.loads(line).get("launches", []):
            x, y, z = map(int, launch["block"].split("x"))
            old = found.get(launch["kernel"], (0, 0))
            found[launch["kernel"]] = (max(old[0], x * y * z), max(old[1], launch["shared_bytes"]))
    return found


def write(used, figures, names, counts):
    old = tomllib.loads(BUDGETS.read_text()) if BUDGETS.exists() else {}
    of_launch = launches(counts)
    lines = ["# What each kernel may use (tests/cuda/sass.py). `tests/cuda/sass.py BUILD --write COUNTS` writes the file; lower a number by hand",
             "# to demand more. registers: of a thread; shared: static bytes; dynamic: further bytes of a launch; threads: of a block; blocks: that",
             "# fit on an SM (of the kernels that COUNTS has). Of the hot loop: matrix instructions per ldmatrix, special functions per matrix instruction, the share of 16-byte",
             "# loads among loads from global memory, calls of subroutines: those that nvcc leaves are the slow paths of divisions and square roots",
             "# and the report of device_check(), which ordinary runs do not take."]
    for card in CARDS:
        lines += ["", f"[sm_{card}]"]
        rows = {}
        for (c, symbol), (registers, shared) in used.items():
            if c == card:
                rows[names[symbol]] = (registers, shared, figures.get((c, symbol)))
        for kernel, (registers, shared, f) in sorted(rows.items()):
            before = old.get(f"sm_{card}", {}).get(kernel, {})
            threads, total = of_launch.get(kernel, (before.get("threads", 0), shared + before.get("dynamic", 0)))
            row = {"registers": registers, "shared": shared}
            if threads:
                row |= {"dynamic": max(0, total - shared), "threads": threads, "blocks": resident(card, threads, registers, max(total, shared))}
            if f:
                row |= {key: round(ratio(f, key), 2) for key in ("mma_per_ldsm", "mufu_per_mma") if f["mma"] and ratio(f, key)}
                row |= {"wide_loads": round(ratio(f, "wide_loads"), 2)} if f["loads"] and f["wide"] else {}
                row |= {"calls": f["calls"]}
            else:
                row |= {key: before[key] for key in ("mma_per_ldsm", "mufu_per_mma", "wide_loads", "calls") if key in before}
            fields = ", ".join(f"{k} = {v}" for k, v in row.items() if v or k in ("registers", "blocks"))
            lines.append(f'"{kernel}" = {{{fields}}}')
    BUDGETS.write_text("\n".join(lines) + "\n")
    print(f"{BUDGETS}: {len(lines)} lines")


def main():
    outputs = kept_outputs(sys.argv[1])
    used = from_ptxas(outputs)
    if not used:
        print(f"{sys.argv[1]} has no output of ptxas: it is a build without CUDA or without tests")
        return 77
    tool = cuobjdump()
    figures = from_sass(outputs, tool) if tool else {}
    names = short_names(symbol for _, symbol in used)
    if twice := [f"two kernels for sm_{c} are called {n}" for (c, n), times in
                 collections.Counter((c, names[symbol]) for c, symbol in used).items() if times > 1]:
        print("\n".join(twice))
        return 1
    if "--write" in sys.argv:
        write(used, figures, names, pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 and sys.argv[2] == "--write" else None)
        return 0
    budgets = tomllib.loads(BUDGETS.read_text())
    if not any(budgets.values()):
        print(f"{BUDGETS.name} has no budgets: tests/cuda/sass.py BUILD --write COUNTS")
        return 77
    faults = []
    for card in CARDS:
        of_card, seen = budgets.get(f"sm_{card}", {}), set()
        for (c, symbol), figure in sorted(used.items()):
            if c != card:
                continue
            kernel = names[symbol]
            seen.add(kernel)
            if kernel not in of_card:
                faults.append(f"{kernel} for sm_{card} has no budget")
            else:
                faults += faults_of(card, kernel, of_card[kernel], figure, figures.get((c, symbol)))
        faults += [f"{kernel} for sm_{card} has a budget and is not there" for kernel in of_card if kernel not in seen]
        print(f"sm_{card:4} {len(seen):4} kernels within their budgets" if not faults else f"sm_{card}: {len(faults)} faults so far")
    if not tool:
        print("there is no cuobjdump here: hot loops were not looked at")
    if faults:
        print("\n".join(faults), "\nIf a change is meant: tests/cuda/sass.py BUILD --write", sep="\n")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
