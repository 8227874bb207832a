#!/usr/bin/env bash
# Where a command computes: the GPU's kernels on the CPU give what the CPU's own give, and a GPU that is not there is told
# in three lines.
source "$(dirname "$0")/helpers/check.sh"
source "$root/tests/tools/helpers/ranks.sh"

prepare_data
write_recipe
few=(--set train.steps=6 --set validation.every=3 --set checkpoint.every=3 --set optimizer.warmup=1)
train=("$gradus" pretrain recipe.toml "${few[@]}" --set)

expect_ok "${train[@]}" run.dir=cpu
expect_ok "${train[@]}" run.dir=simt --set train.device=simt
same_losses cpu simt 6 || fail "on simt the losses are $(tail -1 simt/log.jsonl) instead of $(tail -1 cpu/log.jsonl)"
grep -q 'f32 on simt' out.txt || fail "the device is not told: $(cat out.txt)"

# A checkpoint of one device goes on on another.
cp -r simt moved && rm -r moved/checkpoints/step-00000006
expect_ok "${train[@]}" run.dir=moved
same_losses cpu moved 6 || fail "from simt to the CPU the run went another way"

expect_ok "$gradus" generate cpu --prompt 'the ' --max-tokens 5 --temperature 0
cp out.txt cpu.txt
expect_ok "$gradus" generate cpu --prompt 'the ' --max-tokens 5 --temperature 0 --device simt
cmp cpu.txt out.txt || fail "generation on simt: $(cat out.txt) instead of $(cat cpu.txt)"
expect_ok "$gradus" eval cpu --text text.txt --context 16 --device cpu --json
cp out.txt cpu.txt
head -c 2000 text.txt >short.txt
expect_ok "$gradus" eval cpu --text short.txt --context 16 --device simt
expect_ok "$gradus" bench ops --device simt --filter rope --dtype f32 --json
grep -q '"op":"rope_forward"' out.txt || fail "bench ops on simt said: $(cat out.txt)"

# Without a GPU: a build without CUDA, or a machine without driver or card.
if ! nvidia-smi >/dev/null 2>&1; then
    expect_error 1 'no CUDA backend\|no NVIDIA driver\|no GPU' "${train[@]}" run.dir=gpu --set train.device=cuda
    [ ! -e gpu ] || fail "a refused run left a folder"
    expect_error 1 'train.device=cpu' "$gradus" generate cpu --prompt 'the ' --device cuda
fi
expect_error 1 'cpu, cuda, simt' "${train[@]}" run.dir=gpu --set train.device=tpu
