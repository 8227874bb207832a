#!/usr/bin/env python3
"""What ptxas says of every kernel that is shipped: compiled without a warning for each card, and none spills a register
or keeps anything in local memory, which is global memory under another name.

    tests/cuda/ptxas.py ROOT NVCC [FILE.cu ...]

Without files: kernels/cuda/*.cu. Exit status 77 where there is no nvcc. Prints a line for each file and card: the kernels,
the most registers and the most shared memory that one of them takes."""
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


def compile(root, nvcc, file, card):
    command = [nvcc, "-std=c++20", "-O3", "--expt-relaxed-constexpr", "-Werror", "all-warnings", "-Xptxas", "-v",
               "-gencode", f"arch=compute_{card},code=sm_{card}", "-I", str(root), "-c", str(file), "-o", os.devnull]
    return subprocess.run(command, capture_output=True, text=True)


def demangled(name):
    done = subprocess.run(["c++filt", name], capture_output=True, text=True)
    return done.stdout.strip().split("(")[0] if done.returncode == 0 else name


def judge(file, card, run):
    """A summary of one compilation, and its faults."""
    if run.returncode != 0:
        return "", [f"{file.name} for sm_{card}: {(run.stderr or run.stdout).strip()[:2000]}"]
    faults, kernel, kernels, registers, shared = [], "?", 0, 0, 0
    for line in run.stderr.splitlines():
        if found := ENTRY.search(line):
            kernel, kernels = found.group(1), kernels + 1
        elif found := FRAME.search(line):
            if any(int(n) for n in found.groups()):
                faults.append(f"{file.name} for sm_{card}: {demangled(kernel)}: {line.strip()}")
        elif found := USED.search(line):
            registers = max(registers, int(found.group(1)))
            shared = max([shared] + [int(n) for n in SHARED.findall(line)])
            if any(int(n) for n in LOCAL.findall(line)):
                faults.append(f"{file.name} for sm_{card}: {demangled(kernel)}: {line.strip()}")
        elif "warning" in line.lower():
            faults.append(f"{file.name} for sm_{card}: {line.strip()}")
    return f"{file.name:28} sm_{card:5} {kernels:4} kernels  {registers:4} registers  {shared:6} bytes shared", faults


def main():
    root, nvcc = pathlib.Path(sys.argv[1]), sys.argv[2]
    if not nvcc or not os.path.exists(nvcc):
        print("there is no nvcc on this machine")
        return 77
    files = [pathlib.Path(f) for f in sys.argv[3:]] or sorted((root / "kernels/cuda").glob("*.cu"))
    if not files:
        print("there is no .cu file to look at")
        return 1
    jobs = [(file, card) for file in files for card in CARDS]
    faults = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (file, card), run in zip(jobs, pool.map(lambda job: compile(root, nvcc, *job), jobs)):
            summary, found = judge(file, card, run)
            if summary:
                print(summary)
            faults += found
    print("\n".join(faults))
    return 1 if faults else 0


sys.exit(main())
