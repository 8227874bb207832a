#!/usr/bin/env bash
# gradus plan: predictions as text and as JSON; reads only the recipe and writes nothing.
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

# The memory in a recipe and in the manual is what gradus plan prints.
expect_ok "$gradus" plan "$root/tools/recipes/llama-8b.toml" --devices 8xH100
planned=$(sed -n 's/^  total  *\([0-9.]*\) *of .*/\1/p' out.txt)
grep -q "predicts $(printf '%.0f' "$planned") GiB on each" "$root/tools/recipes/llama-8b.toml" ||
    fail "the recipe llama-8b has another memory size than the plan: $planned GiB"
expect_ok "$gradus" plan gpt2-1558m --devices 2xA100-40 --price 1.5
sed -n '/^\$ gradus plan gpt2-1558m/,/^```/p' "$root/docs/commands.md" | grep '^  ' >example.txt
[ -s example.txt ] || fail "docs/commands.md has no example of a plan"
while IFS= read -r line; do
    grep -qxF -- "$line" out.txt || fail "docs/commands.md has the line '$line', but the plan prints: $(cat out.txt)"
done <example.txt

# 175 billion parameters on 1,024 devices: fast, without data, and with advice if they do not fit.
expect_ok timeout 20 "$gradus" plan big.toml --devices 1024xH100 --mesh tp=8
grep -q '17[45],[0-9]*,[0-9]*,[0-9]*' out.txt || fail "these are not 175 billion parameters: $(cat out.txt)"
grep -q 'does not fit' out.txt || fail "the plan says that it fits: $(cat out.txt)"
grep -q -- '--set mesh.tp=16\|--mesh tp=16' out.txt || fail "no setting is suggested: $(cat out.txt)"
[ ! -e big ] || fail "plan created the run's folder"

expect_error 1 'H100' "$gradus" plan big.toml --devices 8xH1000
expect_error 1 'fix:   --devices 8xA100-40 or --devices 8xA100-80' "$gradus" plan big.toml --devices 8xA100
expect_error 1 'fix:   one of these' "$gradus" plan big.toml --devices 8xTPU

# An included recipe by its name, from any folder; a prediction states its assumptions and its possible error.
for recipe in gpt2-124m gpt2-124m.toml; do
    expect_ok "$gradus" plan $recipe --devices 8xH100
    grep -q '^assumes  matmuls at 60% .* attention at 45%' out.txt || fail "the plan prints no assumptions: $(cat out.txt)"
    grep -q '^error .* median 9%, worst 36%' out.txt || fail "the plan prints no prediction error: $(cat out.txt)"
done
expect_ok "$gradus" plan gpt2-124m --devices 8xH100 --json
grep -q '"prediction_error":{"runs":11,"median":0.09,"worst":0.36}' out.txt || fail "the JSON has no error: $(cat out.txt)"
grep -q '"reached_by_gradus":false' out.txt || fail "the JSON lacks reached_by_gradus: $(cat out.txt)"
expect_ok "$gradus" plan gpt2-124m --model.layers=1 --optimizer.lr 1e-3 --train.recompute
grep -q 'gpt2, 1 layer, .*' out.txt || fail "settings as options, or plurals: $(cat out.txt)"
grep -q 'activations recomputed' out.txt || fail "--train.recompute is not true: $(cat out.txt)"
! grep -qE '(^|[^0-9,.])1 (layers|heads|sequences|tokens|steps)' out.txt || fail "one of several: $(cat out.txt)"

# Columns are aligned.
for recipe in "gpt2-1558m --devices 2xA100-40" "llama-8b --devices 8xH100 --mesh tp=2"; do
    read -ra words <<<"$recipe"
    expect_ok "$gradus" plan "${words[@]}"
    table=$(sed -n '/^communication of a step/,/^$/p' out.txt | sed '/^$/d')
    [ "$(wc -l <<<"$table")" -gt 5 ] || fail "no table of communication: $(cat out.txt)"
    [ "$(awk '{ print length($0) }' <<<"$table" | sort -u | wc -l)" -eq 1 ] || fail "its columns are not aligned: $table"
done
expect_error 1 'the mesh needs 3 devices, but --devices has 8' "$gradus" plan gpt2-124m --devices 8xH100 --mesh dp=3
grep -q 'fix:   --devices 3xH100, or --mesh dp=8,tp=1' err.txt || fail "the fix differs: $(cat err.txt)"
expect_error 1 'the mesh needs a multiple of 3 devices, but --devices has 8' "$gradus" plan gpt2-124m --devices 8xH100 --mesh tp=3
# Settings that a plan suggests take precedence over --mesh.
expect_ok "$gradus" plan big.toml --devices 16xH100 --mesh dp=2,tp=8 --set mesh.dp=1 --mesh.tp=16 --json
grep -q '"mesh":{"dp":1,"tp":16}' out.txt || fail "the settings were ignored: $(cat out.txt)"
expect_error 1 'ranks cannot divide 96 heads' "$gradus" plan big.toml --devices 5xH100 --mesh tp=5
expect_error 1 "did you mean 'model.layers'" "$gradus" plan big.toml --set model.layer=3
sed '/vocab/d' big.toml >blind.toml
expect_error 1 'model.vocab' "$gradus" plan blind.toml --devices 8xH100
