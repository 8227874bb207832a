#!/usr/bin/env bash
# Devices: the GPU's kernels on the CPU give the same results as the CPU's own, and a missing GPU is an error of three
# lines.
source "$(dirname "$0")/helpers/check.sh"
source "$root/tests/tools/helpers/ranks.sh"

prepare_data
write_recipe
few=(--set train.steps=6 --set validation.every=3 --set checkpoint.every=3 --set optimizer.warmup=1)
train=("$gradus" pretrain recipe.toml "${few[@]}" --set)

expect_ok "${train[@]}" run.dir=cpu
expect_ok "${train[@]}" run.dir=simt --set train.device=simt
same_losses cpu simt 6 || fail "on simt the losses are $(tail -1 simt/log.jsonl) instead of $(tail -1 cpu/log.jsonl)"
grep -q 'f32 on simt' out.txt || fail "the device is not printed: $(cat out.txt)"

# A device with one algorithm per matmul has nothing to measure.
expect_ok "${train[@]}" run.dir=tuned --set train.device=simt --set train.autotune=true
same_losses cpu tuned 6 || fail "with train.autotune the losses are $(tail -1 tuned/log.jsonl)"
[ ! -e tuned/matmuls.txt ] || fail "the emulator wrote choices of algorithms: $(cat tuned/matmuls.txt)"

# A checkpoint of one device can be resumed on another.
cp -r simt moved && rm -r moved/checkpoints/step-00000006
expect_ok "${train[@]}" run.dir=moved
same_losses cpu moved 6 || fail "resumed on the CPU after simt, the run differs"

expect_ok "$gradus" generate cpu --prompt 'the ' --max-tokens 5 --temperature 0
cp out.txt cpu.txt
expect_ok "$gradus" generate cpu --prompt 'the ' --max-tokens 5 --temperature 0 --device simt
cmp cpu.txt out.txt || fail "generation on simt: $(cat out.txt) instead of $(cat cpu.txt)"
expect_ok "$gradus" eval cpu --text text.txt --context 16 --device cpu --json
cp out.txt cpu.txt
head -c 2000 text.txt >short.txt
expect_ok "$gradus" eval cpu --text short.txt --context 16 --device simt
expect_ok "$gradus" bench ops --device simt --filter rope --dtype f32 --json
grep -q '"op":"rope_forward"' out.txt || fail "bench ops on simt printed: $(cat out.txt)"

# A run that does not fit its device is refused before it begins, with what takes the memory and what would make it fit;
# with that advice it trains. Memory that was not predicted is an Error of the allocation.
little() { GRADUS_SIMT="memory=1" "$@"; }
expect_error 1 'the run needs 2\..* MiB on its GPU, but 1.00 are free' little "${train[@]}" run.dir=large \
    --set train.device=simt --set train.micro_batch=8 --set train.context=32
grep -q 'activations' err.txt || fail "the error does not say what takes the memory: $(cat err.txt)"
[ ! -e large ] || fail "a refused run left a folder"
advice=$(sed -n 's/^  fix:   \(--set [^;]*\);.*/\1/p' err.txt)
[ -n "$advice" ] || fail "no setting is named: $(cat err.txt)"
# shellcheck disable=SC2086  # options with their values
expect_ok little "${train[@]}" run.dir=advised --set train.device=simt --set train.micro_batch=8 --set train.context=32 $advice
expect_error 1 "of the emulated GPU's 1 are free" little "$gradus" bench ops --device simt --filter add --dtype f32
expect_error 1 "cannot read 'memory=much'" env GRADUS_SIMT="memory=much" "$gradus" generate cpu --prompt 'the ' --device simt

# Without a GPU: a build without CUDA, or a machine without driver or card.
if ! nvidia-smi >/dev/null 2>&1; then
    expect_error 1 'no CUDA backend\|no NVIDIA driver\|no GPU' "${train[@]}" run.dir=gpu --set train.device=cuda
    [ ! -e gpu ] || fail "a refused run left a folder"
    expect_error 1 'train.device=cpu' "$gradus" generate cpu --prompt 'the ' --device cuda
fi
expect_error 1 'cpu, cuda, simt' "${train[@]}" run.dir=gpu --set train.device=tpu
