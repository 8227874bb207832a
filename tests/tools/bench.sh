#!/usr/bin/env bash
# Benchmarks take the settings of a recipe, written as for every other command.
source "$(dirname "$0")/helpers/check.sh"

small=(--model.layers=1 --model.width=32 --model.heads=2 --set model.vocab=64 --model.context 32)
step=("$gradus" bench step --context 16 --steps 1 "${small[@]}")
generate=("$gradus" bench generate --tokens 8 --rounds 1 "${small[@]}")
# said KEY VALUE: the JSON in out.txt has it.
said() { grep -qF "\"$1\":$2" out.txt || fail "\"$1\" is not $2: $(cat out.txt)"; }

expect_ok "${step[@]}" --json
said settings '["model.layers=1","model.width=32","model.heads=2","model.vocab=64","model.context=32"]'
said batch 4
expect_ok "${step[@]}" --train.batch=6 --train.micro_batch=3 --optimizer.kind=muon --optimizer.lr=1e-3 --train.dtype=bf16 \
    --train.recompute --json
said batch 6
said dtype '"bf16"'
said recompute true
expect_ok "${step[@]}" --train.context=32
grep -q '^gpt2-124m f32  batch 4  context 32 ' out.txt || fail "the setting does not override the option: $(cat out.txt)"
grep -q '^set  *model.layers=1$' out.txt || fail "the settings are not printed: $(cat out.txt)"

# The weights that a token reads are those of the requested model: 1 block of width 32, 64 tokens.
expect_ok "${generate[@]}" --train.dtype=f32 --json
said dtype '"f32"'
read -r bytes < <(sed -n 's/.*"weight_mb":\([^,}]*\).*/\1/p' out.txt)
awk -v mb="$bytes" 'BEGIN { exit !(mb > 0.05 && mb < 0.07) }' || fail "the bytes are not those of the model's weights: $bytes MB"
expect_error 1 'tokens 32 is too long' "$gradus" bench generate --tokens 32 "${small[@]}"

# Settings without effect are refused, and so are incompatible ones.
for setting in data.dir=x run.dir=x train.steps=7 train.minutes=1 validation.every=5 sample.every=1 checkpoint.keep=3; do
    expect_error 1 "bench step does not use '${setting%=*}'" "${step[@]}" --$setting
done
for setting in optimizer.lr=1 train.batch=2 mesh.tp=2; do
    expect_error 1 "bench generate does not use '${setting%=*}'" "${generate[@]}" --$setting
done
expect_error 1 "did you mean 'model.layers'?" "${step[@]}" --model.layer=1
expect_error 1 "the model has two sources" "${step[@]}" --model.from=run
expect_error 1 'longer than the model.s 32 learned positions' "${step[@]}" --train.context=64
expect_error 1 'the micro-batch does not divide the batch' "${step[@]}" --train.micro_batch=3
expect_error 2 "did you mean '--optimizer.lr'?" "${step[@]}" --lr 1e-3
# An extra word is not blamed on a valid setting.
for setting in '--optimizer.lr=1e-3' '--optimizer.lr 1e-3' '--set optimizer.lr=1e-3'; do
    expect_error 2 'not expected: quickstart' "${step[@]}" quickstart $setting
    ! grep 'fix:.*optimizer.lr' err.txt || fail "the fix repeats what was typed"
done
expect_error 2 'fix: *--optimizer.lr=1e-3;' "${step[@]}" optimizer.lr=1e-3 --train.batch=2
expect_ok "$gradus" __complete bench step --set optimizer.l
grep -qx 'optimizer.lr=' out.txt || fail "settings are not completed: $(cat out.txt)"
expect_ok "$gradus" __complete bench generate --model.la
grep -qx -- '--model.layers=' out.txt || fail "settings are not completed as options: $(cat out.txt)"
# Counting is for the emulator, and modelled times are for a card with figures.
expect_error 1 "not on 'cpu'" "$gradus" bench ops --count --filter add
expect_error 2 "card" "$gradus" bench ops --count --device simt --card h300
expect_error 2 "requires --count" "$gradus" bench ops --capability 80
"$gradus" bench ops --device simt --count --json --dtype bf16 --blocks 1 --matmul own --filter linear_forward >out.txt
grep -q '"kernel":"hopper_matmul_kernel' out.txt || fail "--count --matmul own counts other kernels: $(head -c 300 out.txt)"
expect_error 1 "no ladder 'stairs'" "$gradus" bench ladder --family stairs
echo passed
