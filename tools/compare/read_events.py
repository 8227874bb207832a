#!/usr/bin/env python3
"""Reads a folder's event files with TensorBoard and prints the scalars it would draw, to check that it understands them.

    python3 tools/compare/read_events.py RUN            one line per scalar: tag, step, value
    python3 tools/compare/read_events.py RUN --serve    the answer of TensorBoard's server (which has another reader)

Both readers are TensorBoard's: EventAccumulator in Python, and the data server that `tensorboard --logdir` starts. Exit
status 1 if a tag has a step twice.
"""
import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request


def accumulated(folder):
    from tensorboard.backend.event_processing import event_accumulator
    events = event_accumulator.EventAccumulator(folder, size_guidance={event_accumulator.SCALARS: 0})
    events.Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def ask(port, what, **query):
    url = f"http://127.0.0.1:{port}/data/plugin/scalars/{what}?{urllib.parse.urlencode(query)}"
    return json.load(urllib.request.urlopen(url, timeout=10))


def served(folder):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "tensorboard.main", "--logdir", folder, "--port", str(port), "--host", "127.0.0.1",
             "--load_fast", "true", "--samples_per_plugin", "scalars=1000000"],
            stdout=log, stderr=log, start_new_session=True)
        try:
            for _ in range(120):
                time.sleep(0.5)
                try:
                    runs = ask(port, "tags")
                except (urllib.error.URLError, ConnectionError):
                    continue
                if runs:
                    break
            else:
                log.seek(0)
                sys.exit(f"read_events.py: TensorBoard served nothing from {folder}\n{log.read().decode()}")
            time.sleep(2)  # it continues to read after the first answer
            return {tag: [(step, value) for _, step, value in ask(port, "scalars", run=run, tag=tag)]
                    for run, tags in runs.items() for tag in tags}
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--serve", action="store_true", help="ask TensorBoard's server instead of its Python reader")
    o = parser.parse_args()
    twice = False
    for tag, points in sorted((served if o.serve else accumulated)(o.folder).items()):
        for step, value in points:
            print(f"{tag}\t{step}\t{value}")
        twice |= len({step for step, _ in points}) != len(points)
    return int(twice)


if __name__ == "__main__":
    sys.exit(main())
