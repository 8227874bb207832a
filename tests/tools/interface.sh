#!/usr/bin/env bash
# The program as an interface: every JSON key in docs/commands.md is present, with a plausible value.
source "$(dirname "$0")/helpers/check.sh"
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 0; }

# expect_keys NAME LINES <JSON: this many lines, each with exactly the keys of the list below under NAME.
cat >keys.py <<'PY'
import json, math, sys

text = lambda x: isinstance(x, str) and x != ""
maybe_text = lambda x: isinstance(x, str)
count = lambda x: type(x) is int and x > 0
maybe_count = lambda x: type(x) is int and x >= 0
maybe_number = lambda x: type(x) in (int, float) and math.isfinite(x) and x >= 0
number = lambda x: type(x) in (int, float) and math.isfinite(x) and x > 0
flag = lambda x: type(x) is bool
ids = lambda x: isinstance(x, list) and all(maybe_count(i) for i in x)
split = lambda x: set(x) == {"documents", "bytes", "tokens"} and all(map(maybe_count, x.values()))

KEYS = {
    "eval": {"tokens": count, "nats_per_token": number, "bits_per_byte": number, "perplexity": number, "bytes": count,
             "context": count},
    "generate": {"prompt": text, "text": maybe_text, "ids": ids, "tokens_per_second": number,
                 "finish_reason": lambda x: x in ("length", "context", "end_of_text", "stop")},
    "report.json": {"format": lambda x: x == "gradus data prepare 1", "inputs": lambda x: x and all(map(text, x)),
                    "files": count, "documents": count, "bytes": count, "bad_lines": maybe_count,
                    "dropped": lambda x: all(map(count, x.values())), "other_files": maybe_count,
                    "other_kinds": lambda x: all(count(k["files"]) and text(k["example"]) for k in x.values()),
                    "split": lambda x: x in ("hash", "tail"),
                    "repeated_files": maybe_count, "repeated_folders": maybe_count, "broken_links": maybe_count, "train": split, "val": split,
                    "seconds": number},
    "meta.json": {"format": lambda x: x == "megatron indexed dataset 1", "created_by": text, "tokenizer": text,
                  "tokenizer_xxh64": lambda x: len(x) == 16 and int(x, 16) >= 0, "vocab_size": count,
                  "end_of_text": lambda x: x is None or maybe_count(x), "dtype": lambda x: x in ("uint16", "int32"),
                  "documents": count, "tokens": count, "bytes": count, "sources": lambda x: x and all(map(text, x)),
                  "checksums_xxh64": lambda x: len(x) == 16 and int(x, 16) >= 0,
                  "idx_xxh64": lambda x: len(x) == 16 and int(x, 16) >= 0},
    "log": {"step": count, "loss": number, "grad_norm": number, "lr": number, "ms": number, "tokens": count},
    "validated log": {"step": count, "loss": number, "grad_norm": number, "lr": number, "ms": number, "tokens": count,
                      "val_loss": number, "val_bits_per_byte": number},
    "samples": {"step": count, "prompt": text, "text": maybe_text},
    "run.json": {"parameters": count, "tokens_per_step": count, "train_tokens": count, "val_tokens": count, "vocab": count,
                 "threads": lambda x: x == 1},
    "baseline": {"name": text, "bits_per_byte": number},
    "bench tokenizer": {"seconds": number, "tokens": count, "bytes": count,
                        "ids_fnv1a": lambda x: len(x) == 16 and int(x, 16) >= 0},
    "bench ops --count": {"op": text, "dtype": lambda x: x in ("f32", "bf16"), "shape": text, "card": lambda x: x == "h100",
                          "modelled_seconds": number, "limit": text, "launches": lambda x: len(x) == 2 and x[0]["accesses"]},
    "bench ladder": {"family": text, "rung": text, "op": text, "idea": text, "shape": text, "modelled_seconds": number, "card": text,
                     "limit": text, "sectors": number, "ideal_sectors": number, "wavefronts": maybe_number,
                     "bank_conflicts": lambda x: x == 0, "kernels": lambda x: len(x) >= 1, "shared_bytes": lambda x: x >= 0},
    "bench ops": {"op": text, "dtype": lambda x: x in ("f32", "bf16"), "shape": text, "seconds": number,
                  "spread": lambda x: x >= 0, "gbps": number, "gflops": lambda x: x >= 0, "share_of_ceiling": number,
                  "bound_by": lambda x: x in ("arithmetic", "memory")},
}

name, wanted = sys.argv[1], int(sys.argv[2])
data = sys.stdin.read()
try:
    whole = json.loads(data)
    objects = whole if isinstance(whole, list) else [whole]
except json.JSONDecodeError:
    objects = [json.loads(line) for line in data.splitlines()]
if len(objects) != wanted:
    sys.exit(f"{name}: {len(objects)} objects instead of {wanted}")
for o in objects:
    if set(o) != set(KEYS[name]):
        sys.exit(f"{name}: keys {sorted(o)} instead of {sorted(KEYS[name])}")
    for key, good in KEYS[name].items():
        if not good(o[key]):
            sys.exit(f"{name}: {key} is {o[key]!r}")
PY
expect_keys() { python3 keys.py "$@" || fail "the interface changed"; }

# Data and tokenizers.
write_text >text.txt
expect_ok "$gradus" data prepare text.txt --split tail --val-fraction 0.1 --out prepared
expect_keys report.json 1 <prepared/report.json
expect_ok "$gradus" tokenizer train prepared --vocab-size 300 --out prepared
expect_ok "$gradus" data prepare prepared --tokenizer prepared --out prepared
expect_keys report.json 1 <prepared/report.json
expect_keys meta.json 1 <prepared/train.meta.json
expect_keys meta.json 1 <prepared/val.meta.json
python3 - <<'PY' || fail "the counts of report.json and of the shards differ"
import json
report = json.load(open("prepared/report.json"))
for part in ("train", "val"):
    meta = json.load(open(f"prepared/{part}.meta.json"))
    assert report[part] == {key: meta[key] for key in ("documents", "bytes", "tokens")}, part
PY

# Text to ids and back; after an invalid line the output of the lines before it is kept.
{ head -50 text.txt; printf 'naïve — 漢字 \t two  spaces\n\n'; } >lines.txt
"$gradus" tokenizer encode --tokenizer prepared <lines.txt >ids.txt
"$gradus" tokenizer decode --tokenizer prepared <ids.txt >back.txt
cmp lines.txt back.txt || fail "decode(encode(x)) is another text"
[ "$(wc -l <ids.txt)" -eq 52 ] || fail "the number of lines of ids is not that of lines of text"
status=0
(cat ids.txt; echo '1 2 many') | "$gradus" tokenizer decode --tokenizer prepared >back.txt 2>err.txt || status=$?
[ $status -eq 1 ] || fail "invalid ids ended with $status"
cmp lines.txt back.txt || fail "the valid lines before an invalid one were not written"
grep -q 'standard input, line 53: .many. in column 5' err.txt || fail "the position is not printed: $(cat err.txt)"
if [ -w /dev/full ]; then
    for command in encode decode; do
        status=0
        (for ((i = 0; i < 400; ++i)); do cat ids.txt; done) |
            "$gradus" tokenizer $command --tokenizer prepared >/dev/full 2>err.txt || status=$?
        [ $status -eq 1 ] || fail "$command into a full disk ended with $status"
        grep -q '^error: standard output cannot be written' err.txt || fail "$command names another position: $(cat err.txt)"
    done
fi

# A run.
write_recipe
expect_ok "$gradus" pretrain recipe.toml --set run.dir=run --set train.steps=20 --set validation.every=0 \
    --set sample.every=10 --set sample.prompts=the --set sample.tokens=5 --set train.minutes=0
head -19 run/log.jsonl | expect_keys log 19
tail -1 run/log.jsonl | expect_keys 'validated log' 1
expect_keys samples 2 <run/samples.jsonl
expect_keys run.json 1 <run/run.json

# Commands on its model.
expect_ok "$gradus" eval run --text text.txt --json
expect_keys eval 1 <out.txt
python3 - <<'PY' || fail "the results of eval are inconsistent"
import json, math
e = json.load(open("out.txt"))
assert abs(e["perplexity"] / math.exp(e["nats_per_token"]) - 1) < 1e-9
assert abs(e["bits_per_byte"] * e["bytes"] * math.log(2) / e["tokens"] / e["nats_per_token"] - 1) < 1e-9
PY
expect_ok "$gradus" generate run --prompt the --prompt 'a cat' --max-tokens 6 --json
expect_keys generate 2 <out.txt
if [ -w /dev/full ]; then
    full() { "$@" >/dev/full; }
    expect_error 1 'standard output cannot be written' full "$gradus" eval run --text text.txt --json
    for json in '' --json; do
        status=0
        "$gradus" generate run --prompt the --max-tokens 6 $json >/dev/full 2>err.txt </dev/null || status=$?
        [ $status -eq 1 ] || fail "generate $json into a full disk ended with $status"
    done
fi

# Baselines, and the speed of an op.
if command -v xz >/dev/null; then
    expect_ok "$gradus" baselines prepared --out run/extra.json
    expect_keys baseline 3 <run/extra.json
fi
expect_ok "$gradus" bench ops --filter rope_forward --dtype f32 --threads 1 --json
expect_keys 'bench ops' "$(wc -l <out.txt)" <out.txt
expect_ok "$gradus" bench ops --filter square_sum --dtype f32 --device simt --count --card h100 --blocks 4 --json
expect_keys 'bench ops --count' 2 <out.txt
expect_ok "$gradus" bench ladder --family reduction --blocks 4 --json
expect_keys 'bench ladder' "$(wc -l <out.txt)" <out.txt
expect_ok "$gradus" bench tokenizer --tokenizer prepared --input text.txt --repeat 1 --json
expect_keys 'bench tokenizer' 1 <out.txt
echo passed
