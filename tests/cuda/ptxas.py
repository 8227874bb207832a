#!/usr/bin/env python3
"""What ptxas says of every kernel that is shipped: compiled without a warning for each card, and none spills a register
or keeps anything in local memory, which is global memory under another name.

    tests/cuda/ptxas.py ROOT NVCC BUILD            the kernels of a build with CUDA and tests, and the conformance probes, which use every
                                                   wrapper of an instruction: what tests/cuda/keep_ptxas kept
    tests/cuda/ptxas.py ROOT NVCC --finds FILE.cu  compiles a file, in which there must be a fault

Exit status 77 where there is no nvcc, or no CUDA in the build. Prints a line for each file and card: the kernels, the most registers and
the most shared memory that one of them takes."""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

CARDS = ("80", "90", "100")  # sm_90a, of the files with Hopper's own instructions, is 90 here


def kept_outputs(build, ladder=False):
    """NAME.cu.o.txt of the shipped kernels and probes, or of the ladder's rungs."""
    files = [f for f in sorted(pathlib.Path(build).rglob("*.cu.o.txt")) if "/host/" not in str(f) and "/gpu/" not in str(f)]
    return [f for f in files if ("/ladder/" in str(f)) == ladder]


def card_of(name):
    return name.removesuffix("a")


ENTRY = re.compile(r"Compiling entry function '(\S+)' for 'sm_(\w+)'")
FRAME = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
USED = re.compile(r"Used (\d+) registers")
LOCAL = re.compile(r"(\d+) bytes lmem")
SHARED = re.compile(r"(\d+) bytes smem")
PTX_ENTRY = re.compile(r"\.entry (\w+)")
PTX_THREADS = re.compile(r"\.maxntid (\d+)")
PTX_REGISTERS = re.compile(r"setmaxnreg\.(inc|dec)\.sync\.aligned\.u32 (\d+)")
WARPGROUP = 128


def compile(root, nvcc, file):
    """The output of ptxas, and what failed."""
    command = [nvcc, "-std=c++20", "-O3", "--expt-relaxed-constexpr", "-Werror", "all-warnings", "-Xptxas", "-v",
               "-I", str(root), "-c", str(file), "-o", os.devnull]
    for card in ("80", "90a", "100"):
        command += ["-gencode", f"arch=compute_{card},code=sm_{card}"]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stderr, done.returncode and (done.stderr or done.stdout)


def asked(root, nvcc, file):
    """Of each kernel that uses setmaxnreg: its threads, what it lowers to and what it raises to."""
    if not re.search(r"registers_(lower|raise)", file.read_text()):
        return {}
    command = [nvcc, "-std=c++20", "-O3", "--expt-relaxed-constexpr", "-I", str(root), "-ptx", "-arch=compute_90a",
               str(file), "-o", "-"]
    kernels, kernel = {}, "?"
    for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
        if found := PTX_ENTRY.search(line):
            kernel, threads = found.group(1), 0
        elif found := PTX_THREADS.search(line):
            threads = int(found.group(1))
        elif found := PTX_REGISTERS.search(line):
            of = kernels.setdefault(kernel, {"threads": threads, "dec": set(), "inc": set()})
            of[found.group(1)].add(int(found.group(2)))
    return kernels


def registers_fault(of, entry):
    """Why a raise would wait for ever, or do nothing, in a kernel that enters with so many registers: one warpgroup lowers
    and the others raise."""
    lowers, raises = sorted(of["dec"]), sorted(of["inc"])
    groups = of["threads"] // WARPGROUP
    if lowers and lowers[-1] > entry:
        return f"lowers to {lowers[-1]} registers, and enters with {entry}"
    if raises and raises[0] < entry:
        return f"raises to {raises[0]} registers, and enters with {entry}"
    if raises and raises[-1] == entry:
        return f"raises to {raises[-1]} registers, with which it enters: a raise of nothing"
    together = (lowers[0] if lowers else entry) + (groups - 1) * raises[-1] if raises else 0
    if together > entry * groups:
        return f"{groups} warpgroups have {together} registers a thread together, and enter with {entry * groups}"
    return None


def demangled(name):
    done = subprocess.run(["c++filt", name], capture_output=True, text=True)
    plain = done.stdout.strip().replace("(anonymous namespace)::", "").replace("gradus::cuda::", "")
    return plain.split("(")[0] if done.returncode == 0 else name


def judge(file, output, uses):
    """A line for each card, and the faults, of one file's compilation."""
    faults, kernel, card, entering = [], "?", "?", set()
    totals = {name: [0, 0, 0] for name in CARDS}  # kernels, most registers, most shared memory
    for line in output.splitlines():
        if found := ENTRY.search(line):
            kernel, card = found[1], card_of(found[2])
            totals[card][0] += 1
        elif found := FRAME.search(line):
            if any(int(n) for n in found.groups()):
                faults.append(f"{file.name} for sm_{card}: {demangled(kernel)}: {line.strip()}")
        elif found := USED.search(line):
            totals[card][1] = max(totals[card][1], int(found.group(1)))
            if card == "90" and kernel in uses:
                entering.add(kernel)
                if fault := registers_fault(uses[kernel], int(found.group(1))):
                    faults.append(f"{file.name} for sm_{card}: {demangled(kernel)}: {fault}")
            totals[card][2] = max([totals[card][2]] + [int(n) for n in SHARED.findall(line)])
            if any(int(n) for n in LOCAL.findall(line)):
                faults.append(f"{file.name} for sm_{card}: {demangled(kernel)}: {line.strip()}")
        elif "warning" in line.lower() or "Performance Loss" in line:  # of wgmma and setmaxnreg, which ptxas may give up
            faults.append(f"{file.name}: {line.strip()}")
    faults += [f"{file.name}: {demangled(kernel)}: setmaxnreg, and ptxas does not say with how many registers it enters"
               for kernel in uses if kernel not in entering]
    return [f"{file.name:28} sm_{name:5} {kernels:4} kernels  {registers:4} registers  {shared:6} bytes shared"
            for name, (kernels, registers, shared) in totals.items() if kernels], faults


def source_of(root, output):
    """kernels/cuda/attention/delta.cu of build/release/kernels/cuda/CMakeFiles/gradus_cuda.dir/attention/delta.cu.o.txt"""
    name = str(output).split(".dir/")[-1].removesuffix(".o.txt").replace("__/", "")
    folders = (root, root / "kernels/cuda", root / "tests/conformance")
    return next(folder / name for folder in folders if (folder / name).exists())


def print_and_count(file, output, uses):
    summary, faults = judge(file, output, uses)
    print("\n".join(summary + faults))
    return len(faults)


def main():
    root, nvcc = pathlib.Path(sys.argv[1]), sys.argv[2]
    if not nvcc or not os.path.exists(nvcc):
        print("there is no nvcc on this machine")
        return 77
    if sys.argv[3] == "--finds":
        file = pathlib.Path(sys.argv[4])
        output, failure = compile(root, nvcc, file)
        if failure:
            print(failure)
            return 1
        return 0 if print_and_count(file, output, asked(root, nvcc, file)) else 1
    outputs = kept_outputs(sys.argv[3])
    if not outputs:
        print(f"{sys.argv[3]} has no output of ptxas: it is a build without CUDA or without tests")
        return 77
    sources = [source_of(root, output) for output in outputs]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        uses = pool.map(lambda file: asked(root, nvcc, file), sources)
        return 1 if sum(print_and_count(file, output.read_text(), use) for file, output, use in zip(sources, outputs, uses)) else 0


if __name__ == "__main__":
    sys.exit(main())
