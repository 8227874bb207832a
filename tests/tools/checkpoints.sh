#!/usr/bin/env bash
# Which checkpoint commands read: the newest valid one, whatever happened to newer ones, also during training.
source "$(dirname "$0")/helpers/check.sh"
prepare_data
write_recipe
train=("$gradus" pretrain recipe.toml --set)
tail -n 40 text.txt >val.txt

# flip FILE: one bit in its middle.
flip() {
    local at=$(($(stat -c %s "$1") / 2)) byte
    byte=$(od -An -tu1 -j $at -N 1 "$1")
    printf "\\x$(printf %x $((byte ^ 1)))" | dd of="$1" bs=1 seek=$at conv=notrunc status=none
}
# The value of a key of the last line of out.txt.
value_of() { sed -n '$s/.*"'"$1"'":\([^,}]*\).*/\1/p' out.txt; }

# A flipped bit in any file of the newest checkpoint that a command reads: a note, and the previous checkpoint is used.
expect_ok "${train[@]}" run.dir=whole --set checkpoint.keep=2
newest=whole/checkpoints/step-00000060 before=whole/checkpoints/step-00000040
evaluate=("$gradus" eval whole --text val.txt --json)
expect_ok "$gradus" eval $before --text val.txt --json
cp out.txt of_before.txt
expect_ok "${evaluate[@]}"
! cmp -s out.txt of_before.txt || fail "both checkpoints have the same loss"
cp -r whole good
printf '[model]\nfrom = "whole"\n' >from.toml
sed -e '/^\[model\]/,/^\[train\]/{/^\[train\]/!d}' recipe.toml >>from.toml
for file in model.safetensors config.json tokenizer.json; do
    flip $newest/$file
    said="step-00000060' is damaged and is skipped: $file: it was edited or damaged: its checksum does not match"
    expect_ok "${evaluate[@]}"
    cmp out.txt of_before.txt || fail "eval did not use the previous checkpoint when $file was damaged"
    [ "$(grep -c "$said" err.txt)" -eq 1 ] || fail "eval did not report exactly once that $file is damaged: $(cat err.txt)"
    expect_ok "$gradus" generate whole --prompt the --max-tokens 5 --temperature 0
    grep -q "$said" err.txt || fail "generate did not report that $file is damaged: $(cat err.txt)"
    cp out.txt text_of_whole.txt
    expect_ok "$gradus" generate $before --prompt the --max-tokens 5 --temperature 0
    cmp out.txt text_of_whole.txt || fail "generate did not use the previous checkpoint"
    expect_ok "$gradus" convert whole "converted-$file"
    grep -q "$said" err.txt || fail "convert did not report that $file is damaged: $(cat err.txt)"
    cmp "converted-$file/model.safetensors" $before/model.safetensors || fail "convert did not use the previous checkpoint"
    expect_ok "$gradus" pretrain from.toml --set run.dir="from-$file" --set train.steps=1
    grep -q "$said" err.txt || fail "model.from did not report that $file is damaged: $(cat err.txt)"
    # A damaged checkpoint given by name is refused; a copy without the manifest can be edited freely.
    for folder in $newest whole/checkpoints/latest; do
        expect_error 1 "$newest/$file' has changed since it was saved" "$gradus" eval $folder --text val.txt
    done
    cp good/checkpoints/step-00000060/$file $newest/$file
    expect_ok "${evaluate[@]}"
    [ ! -s err.txt ] || fail "unexpected output for a valid run: $(cat err.txt)"
done
flip $newest/config.json
expect_ok "$gradus" plan from.toml --devices 1xH100
grep -q 'step-00000060.*config.json: it was edited' err.txt || fail "plan did not report the damage: $(cat err.txt)"
cp good/checkpoints/step-00000060/config.json $newest/config.json
flip $newest/gradus/optimizer.safetensors  # which no command reads
expect_ok "${evaluate[@]}"
[ ! -s err.txt ] || fail "eval checked a file that it does not read: $(cat err.txt)"
cp -r $newest mine
rm -r mine/gradus
flip mine/model.safetensors
expect_ok "$gradus" eval mine --text val.txt --json

# bf16 masters start from the f32 weights of another run: a step that changes nothing keeps them.
expect_ok "$gradus" pretrain from.toml --set run.dir=narrow --set train.dtype=bf16 --set train.steps=1 \
    --set optimizer.lr=1e-30 --set optimizer.min_lr=0 --set optimizer.warmup=0
# tensor FILE NAME: its bytes.
tensor() {
    local header begin end
    header=$(od -An -tu8 -N 8 "$1" | tr -d ' ')
    read -r begin end < <(head -c $((header + 8)) "$1" | tail -c +9 |
        sed 's/.*"'"$2"'":{[^}]*"data_offsets":\[\([0-9]*\),\([0-9]*\)\].*/\1 \2/') || true  # no newline ends the header
    dd if="$1" bs=1 skip=$((header + 8 + begin)) count=$((end - begin)) status=none
}
tensor $newest/model.safetensors transformer.wte.weight >exact.bin
tensor narrow/checkpoints/latest/gradus/optimizer.safetensors master.wte >master.bin
[ "$(stat -c %s exact.bin)" -gt 1000 ] || fail "the tensor was not found: $(stat -c %s exact.bin) bytes"
cmp exact.bin master.bin || fail "masters did not start from the f32 weights"

# While a run trains and keeps only one checkpoint, every reader gets a complete one.
"${train[@]}" run.dir=busy --set checkpoint.every=1 --set checkpoint.keep=1 --set train.steps=1000000 \
    --set validation.every=0 >busy.txt 2>&1 &
pid=$!
trap 'kill -KILL $pid 2>/dev/null; rm -rf "$work"' EXIT
for ((i = 0; i < 3000; ++i)); do
    [ -e busy/checkpoints/latest ] && break
    sleep 0.01
done
for ((i = 0; i < 60; ++i)); do
    expect_ok "$gradus" generate busy --prompt the --max-tokens 2
    [ "$(wc -l <err.txt)" -eq 1 ] || fail "more output than the speed: $(cat err.txt)"  # no note
    expect_ok "$gradus" generate busy/checkpoints/latest --prompt the --max-tokens 2
done
expect_ok "$gradus" convert busy busy-hf
# A reader that waits for its prompt keeps its checkpoint locked; after it is killed, nothing is locked.
mkfifo prompt
"$gradus" generate busy <prompt >waiting.txt 2>&1 &
reader=$!
exec 3>prompt
held() { ls busy/checkpoints | grep -c '^step-'; }
for ((i = 0; i < 3000 && $(held) < 2; ++i)); do sleep 0.01; done
sleep 0.3
[ "$(held)" -ge 2 ] || fail "the checkpoint in use was removed: $(ls -A busy/checkpoints)"
kill -KILL $reader
wait $reader || true
exec 3>&-
for ((i = 0; i < 3000 && $(held) > 2; ++i)); do sleep 0.01; done
kill -TERM $pid
wait $pid || fail "the run ended with $?: $(tail -3 busy.txt)"
[ "$(ls -A busy/checkpoints | wc -l)" -eq 2 ] || fail "more than latest and one checkpoint is left: $(ls -A busy/checkpoints)"
trap 'rm -rf "$work"' EXIT
# If all checkpoints of a run are damaged, no command claims that there is none or advises to train on.
cp -r good all_damaged
for weights in all_damaged/checkpoints/step-*/model.safetensors; do truncate -s -100 "$weights"; done
for command in "generate all_damaged x" "eval all_damaged" "convert all_damaged out"; do
    status=0
    "$gradus" $command >out.txt 2>err.txt </dev/null || status=$?
    [ "$status" -eq 1 ] || fail "$command ended with $status: $(cat err.txt)"
    grep -v '^note: ' err.txt | sed -n 1p | grep -q "^error: all checkpoints of 'all_damaged' are damaged" || fail "$command: $(cat err.txt)"
    grep -q -x '  fix:   mv all_damaged/checkpoints all_damaged/checkpoints.damaged && gradus pretrain all_damaged' err.txt || fail "$command: no fix: $(cat err.txt)"
done
echo passed
