#!/usr/bin/env python3
"""The two files of tools/gpu_check, from the results of its steps.

    gpu_check_report.py CARD COMMIT WORK OUT"""
import datetime
import json
import pathlib
import sys

card, commit, work, out = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), pathlib.Path(sys.argv[4])


def lines(name):
    file = work / name
    return [json.loads(line) for line in file.read_text().splitlines() if line.strip()] if file.exists() else []


steps, ops = lines("rows.jsonl"), lines("ops.jsonl")
whole, ladder, generated = lines("steps.jsonl"), lines("ladder.jsonl"), lines("generate.jsonl")
report = {"card": card, "commit": commit, "date": datetime.date.today().isoformat(), "command": "tools/gpu_check",
          "steps": steps, "bench_step": whole, "bench_generate": generated, "bench_ops": ops, "bench_ladder": ladder}
(out / "gpu-check.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")

text = [f"# tools/gpu_check on {card}", "", f"Commit {commit}, {report['date']}.", "", "| step | | s |", "|---|---|---:|"]
text += [f"| {s['step']} | {s['state']} | {s['seconds']} |" for s in steps]
if whole:
    text += ["", "| step of | dtype | ms | tokens/s | GFLOP/s | of the ceiling |", "|---|---|---:|---:|---:|---:|"]
    text += [f"| {r['model']}, batch {r['batch']}, context {r['context']}{''.join(', ' + s for s in r.get('settings', []))} | {r['dtype']} | {r['seconds_median'] * 1e3:.1f} | "
             f"{r['tokens_per_second']:.0f} | {r['gflops']:.0f} | {r['share_of_ceiling']:.0%} |" for r in whole]
if ops:
    text += ["", "| op | shape | dtype | us | spread | GB/s | GFLOP/s | of the ceiling | library's time / ours |",
             "|---|---|---|---:|---:|---:|---:|---:|---:|"]
    text += [f"| {r['op']} | {r['shape']} | {r['dtype']} | {r['seconds'] * 1e6:.1f} | {r['spread']:.0%} | {r['gbps']:.0f} | "
             f"{r['gflops']:.0f} | {r['share_of_ceiling']:.0%} of {r['bound_by']} | "
             f"{r.get('library_time_ratio', 0) or '-'} |" for r in ops]
if generated:
    text += ["", "| tokens of | settings | tokens/s |", "|---|---|---:|"]
    text += [f"| {r['model']} {r['dtype']} | {' '.join(r.get('settings', []))} | {r['tokens_per_second']:.0f} |" for r in generated]
(out / "gpu-check.md").write_text("\n".join(text) + "\n")
