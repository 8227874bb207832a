#!/usr/bin/env python3
"""Checks that each file of the libraries compiles alone, although the build compiles several at a time.

    tests/structure/alone.py BUILD [--usual]

BUILD is a build folder with GRADUS_UNITY=ON. With --usual every eighth file, beginning with one that depends on the commit; with GRADUS_TESTS=all in the environment (tools/test --all), or without --usual, all of them. Each file is parsed with the flags of its target (-fsyntax-only); the others
of its batch are not there to include for it what it forgot. Prints what the compiler says; the exit status is 0 when every
file compiles, and 77 where the build compiles each file alone anyway.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

SHARE = 8


def batches(build):
    """The command of each batch and the files in it."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        if "/Unity/" in entry["file"]:
            files = re.findall(r'^#include "(.*)"', pathlib.Path(entry["file"]).read_text(), re.M)
            yield entry, files


def parsed(entry, file):
    """What the compiler says of the file, or nothing."""
    words = shlex.split(entry["command"])
    at = words.index("-o")
    kept = [word for word in words[:at] + words[at + 2 :] if word not in ("-c", "-MD", entry["file"])]
    for option in ("-MT", "-MF"):
        if option in kept:
            at = kept.index(option)
            del kept[at : at + 2]
    done = subprocess.run(kept + ["-fsyntax-only", file], cwd=entry["directory"], capture_output=True, text=True)
    return done.stderr if done.returncode else ""


def usual(work):
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
    return work[int(commit or "0", 16) % SHARE::SHARE]


def main():
    work = [(entry, file) for entry, files in batches(pathlib.Path(sys.argv[1])) for file in files]
    if not work:
        print("the build compiles each file alone")
        return 77
    if "--usual" in sys.argv and os.environ.get("GRADUS_TESTS") != "all":
        work = usual(work)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        said = [text for text in pool.map(lambda job: parsed(*job), work) if text]
    print("\n".join(said), end="")
    print(f"{len(work) - len(said)} of {len(work)} files compile alone")
    return 1 if said else 0


sys.exit(main())
