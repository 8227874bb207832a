#!/usr/bin/env bash
# gradus plan: numbers before anything is spent, as text and as JSON; nothing is read but the recipe, and nothing is written.
source "$(dirname "$0")/helpers/check.sh"

cat >big.toml <<'TOML'
[run]
dir = "big"
[model]
layers = 96
width = 12288
heads = 96
vocab = 50257
[data]
dir = "nowhere"
[train]
dtype = "bf16"
context = 2048
batch = 1536
steps = 100
recompute = true
TOML

expect_ok "$gradus" plan "$root/tools/recipes/gpt2-124m.toml" --devices 8xH100 --price 2
for line in '^parameters' 'total  *124,439,808' '^memory of a rank' 'masters' '6N + 6LHDT' 'dp reduce-scatter' '^speed' '^run '; do
    grep -q "$line" out.txt || fail "the plan lacks '$line': $(cat out.txt)"
done
expect_ok "$gradus" plan "$root/tools/recipes/gpt2-124m.toml" --devices 8xH100 --price 2 --json
for key in parameters memory_of_rank flops_per_token collectives time cost; do
    grep -q "\"$key\"" out.txt || fail "the JSON lacks '$key': $(cat out.txt)"
done

# 175 billion parameters on 1,024 devices: at once, without data, and with a way out where they do not fit.
expect_ok timeout 20 "$gradus" plan big.toml --devices 1024xH100 --mesh tp=8
grep -q '17[45],[0-9]*,[0-9]*,[0-9]*' out.txt || fail "these are not 175 billion parameters: $(cat out.txt)"
grep -q 'does not fit' out.txt || fail "it is said to fit: $(cat out.txt)"
grep -q -- '--set mesh.tp=16\|--mesh tp=16' out.txt || fail "no way out is named: $(cat out.txt)"
[ ! -e big ] || fail "a plan made the run's folder"

expect_error 1 'H100' "$gradus" plan big.toml --devices 8xH1000
expect_error 1 'ranks cannot share out 96 heads' "$gradus" plan big.toml --devices 5xH100 --mesh tp=5
expect_error 1 "did you mean 'model.layers'" "$gradus" plan big.toml --set model.layer=3
sed '/vocab/d' big.toml >blind.toml
expect_error 1 'model.vocab' "$gradus" plan blind.toml --devices 8xH100
