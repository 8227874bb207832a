#!/usr/bin/env python3
"""What ptxas says of every kernel that is shipped: compiled without a warning for each card, and none spills a register
or keeps anything in local memory, which is global memory under another name.

    tests/cuda/ptxas.py ROOT NVCC [--finds] [FILE.cu ...]

Without files: kernels/cuda/*.cu, and the conformance probes, which use every wrapper of an instruction. With --finds there
must be a fault in them. Exit status 77 where there is no nvcc. Prints a line for each file and card: the kernels, the most
registers and the most shared memory that one of them takes."""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

CARDS = ("80", "90", "90a", "100")
ENTRY = re.compile(r"Compiling entry function '(\S+)' for 'sm_(\w+)'")
FRAME = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
USED = re.compile(r"Used (\d+) registers")
LOCAL = re.compile(r"(\d+) bytes lmem")
SHARED = re.compile(r"(\d+) bytes smem")


def compile(root, nvcc, file):
    command = [nvcc, "-std=c++20", "-O3", "--expt-relaxed-constexpr", "-Werror", "all-warnings", "-Xptxas", "-v",
               "-I", str(root), "-c", str(file), "-o", os.devnull]
    for card in CARDS:
        command += ["-gencode", f"arch=compute_{card},code=sm_{card}"]
    return subprocess.run(command, capture_output=True, text=True)


def demangled(name):
    done = subprocess.run(["c++filt", name], capture_output=True, text=True)
    return done.stdout.strip().split("(")[0] if done.returncode == 0 else name


def judge(file, run):
    """A summary of one compilation, a line for each card, and its faults."""
    if run.returncode != 0:
        return [], [f"{file.name}: {(run.stderr or run.stdout).strip()[:2000]}"]
    faults, kernel, card = [], "?", "?"
    totals = {name: [0, 0, 0] for name in CARDS}  # kernels, most registers, most shared memory
    for line in run.stderr.splitlines():
        if found := ENTRY.search(line):
            kernel, card = found.groups()
            totals[card][0] += 1
        elif found := FRAME.search(line):
            if any(int(n) for n in found.groups()):
                faults.append(f"{file.name} for sm_{card}: {demangled(kernel)}: {line.strip()}")
        elif found := USED.search(line):
            totals[card][1] = max(totals[card][1], int(found.group(1)))
            totals[card][2] = max([totals[card][2]] + [int(n) for n in SHARED.findall(line)])
            if any(int(n) for n in LOCAL.findall(line)):
                faults.append(f"{file.name} for sm_{card}: {demangled(kernel)}: {line.strip()}")
        elif "warning" in line.lower() or "Performance Loss" in line:  # of wgmma and setmaxnreg, which ptxas may give up
            faults.append(f"{file.name}: {line.strip()}")
    return [f"{file.name:28} sm_{name:5} {kernels:4} kernels  {registers:4} registers  {shared:6} bytes shared"
            for name, (kernels, registers, shared) in totals.items() if kernels], faults


def main():
    root, nvcc = pathlib.Path(sys.argv[1]), sys.argv[2]
    if not nvcc or not os.path.exists(nvcc):
        print("there is no nvcc on this machine")
        return 77
    arguments = sys.argv[3:]
    finds = "--finds" in arguments
    shipped = sorted((root / "kernels/cuda").glob("*.cu"))
    if not shipped:
        print("there is no .cu file to look at")
        return 1
    files = [pathlib.Path(f) for f in arguments if f != "--finds"] or [*shipped, root / "tests/conformance/probes.cu"]
    faults = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for file, run in zip(files, pool.map(lambda file: compile(root, nvcc, file), files)):
            summary, found = judge(file, run)
            print("\n".join(summary))
            faults += found
    print("\n".join(faults))
    return 1 if bool(faults) != finds else 0


sys.exit(main())
