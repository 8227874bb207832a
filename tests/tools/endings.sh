#!/usr/bin/env bash
# Runs with failures: a failing log never ends a run, an error loses no finished step, and changed data is detected.
source "$(dirname "$0")/helpers/check.sh"
prepare_data
write_recipe
train=("$gradus" pretrain recipe.toml --set)
expect_ok "${train[@]}" run.dir=whole --set sample.every=10 --set sample.prompts=the --set sample.tokens=5

# checkpoints_of RUN: their steps.
checkpoints_of() { ls "$1/checkpoints" | sed -n 's/^step-0*//p' | tr '\n' ' '; }
# flip FILE OFFSET: one bit there.
flip() {
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1")
    printf "\\x$(printf %x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# Logs that cannot be written: one note per file, and the run continues to its last checkpoint. Existing content is unchanged.
expect_ok "${train[@]}" run.dir=full --set sample.every=10 --set sample.prompts=the --set sample.tokens=5
for log in log samples; do
    printf '{"step":1,"text":"%s"}\n' "$(head -c 2000000 /dev/zero | tr '\0' x)" >full/$log.jsonl
    cp full/$log.jsonl $log.before
done
rm -r full/checkpoints/step-00000060
(ulimit -f 1000 && expect_ok "${train[@]}" run.dir=full --set sample.every=10 --set sample.prompts=the \
    --set sample.tokens=5 && cp out.txt err.txt "$work/full/")
grep -q '^resume   after step 40' full/out.txt || fail "it did not resume: $(cat full/out.txt)"
[ "$(checkpoints_of full)" = '40 60 ' ] || fail "checkpoints: $(checkpoints_of full)"
for log in log samples; do
    [ "$(grep -c "^note: cannot write 'full/$log.jsonl' (File too large).*ulimit -f" full/err.txt)" -eq 1 ] ||
        fail "there is not exactly one note about $log.jsonl: $(cat full/err.txt)"
    cmp full/$log.jsonl $log.before || fail "$log.jsonl changed"
done
grep -q "^note: 'full/log.jsonl' has no line of steps 2 to 40" full/err.txt || fail "the gap is not named: $(cat full/err.txt)"
[ "$(wc -l <full/err.txt)" -eq 3 ] || fail "unexpected output: $(cat full/err.txt)"

# A full disk is reported as such, with the free space and a command to check it.
if mkdir small && mount -t tmpfs -o size=1m tmpfs small 2>/dev/null; then
    trap 'umount -l "$work/small"; rm -rf "$work"' EXIT
    head -c 2000000 /dev/zero 2>/dev/null >small/filling || true
    expect_error 1 'No space left on device; 0 MiB are free' "${train[@]}" run.dir=small/run
    grep -q 'fix:.*df -h small/run\(/checkpoints\)\?,' err.txt || fail "no advice for a full disk: $(cat err.txt)"
    umount -l small
    trap 'rm -rf "$work"' EXIT
else
    echo "skipped: no small disk can be mounted here"
fi

# A validation that fails: the training so far is saved, its steps are in the log, and the run has the same result once the
# file is restored.
cp -r prepared val
flip val/val.bin 1000
for background in true false; do
    run=val-$background
    expect_error 1 "val/val.bin' cannot be used" "${train[@]}" run.dir=$run --set data.dir=val \
        --set checkpoint.background=$background
    [ "$(checkpoints_of $run)" = '20 25 ' ] || fail "after an error at step 25: $(checkpoints_of $run)"
    [ "$(wc -l <$run/log.jsonl)" -eq 25 ] || fail "the log has $(wc -l <$run/log.jsonl) lines"
    cp -r $run again
    expect_ok "$gradus" pretrain again --set run.dir=again --set data.dir=prepared
    cmp <(steps_of again | sed 1,25d) <(steps_of whole | sed 1,25d) || fail "after the error the run differs"
    rm -r again
done

# The same for a step that fails: the state before it is saved. It reads a block of the text that was changed.
for i in 1 2 3 4 5 6 7 8; do cat text.txt; done >large.txt
expect_ok "$gradus" data prepare large.txt --split tail --val-fraction 0.02 --tokenizer prepared/tokenizer.json --out large
large=("${train[@]}" data.dir=large --set train.batch=1 --set train.micro_batch=1 --set validation.every=0)
expect_ok "${large[@]}" --set run.dir=steady
cp -r large broken
flip broken/train.bin 100000
expect_error 1 "the block at byte 65536 has changed since it was written" "${large[@]}" --set data.dir=broken \
    --set run.dir=step --set checkpoint.every=0
saved=$(checkpoints_of step)
[ "${saved:-0}" -gt 0 ] || fail "nothing was saved: $saved"
[ "$(wc -l <step/log.jsonl)" -eq $saved ] || fail "the log has $(wc -l <step/log.jsonl) lines, saved was $saved"
expect_ok "${large[@]}" --set run.dir=step --set checkpoint.every=0
cmp <(steps_of step) <(steps_of steady) || fail "after the error in a step the run differs"

# A checkpoint that cannot be written is reported once, in three lines.
(ulimit -f 20 && expect_error 1 'was not saved, and the run has none yet' "${train[@]}" run.dir=tight)

# Data without checksums, as other programs make it: a byte changed in the middle makes it other data.
cp -r large foreign
for part in train val; do rm foreign/$part.meta.json foreign/$part.checksums; done
foreign=("${large[@]}" --set data.dir=foreign --set run.dir=elsewhere)
expect_ok "${foreign[@]}"
rm -r elsewhere/checkpoints/step-00000060
flip foreign/train.bin 200000
expect_error 1 'began with different data' "${foreign[@]}"
flip foreign/train.bin 200000
expect_ok "${foreign[@]}"

# Names are always printed as text, whatever is in them.
odd=$'odd\x1b[2J\xff\n\x9b'
mkdir "$odd"
for command in "pretrain $odd" "eval $odd --text x" "generate $odd --prompt a" "plan $odd" "report $odd" "convert $odd b" \
    "data prepare $odd/none --out b" "tokenizer train $odd/none --out b" "pretrain recipe.toml --set $odd=1" \
    "pretrain recipe.toml --set run.dir=$odd --set data.dir=none" "$odd" "pretrain --$odd"; do
    IFS=' ' read -r -d '' -a words <<<"$command" || true
    words[-1]=${words[-1]%$'\n'}
    status=0
    "$gradus" "${words[@]}" >out.txt 2>err.txt </dev/null || status=$?
    [ "$status" -eq 1 ] || [ "$status" -eq 2 ] || fail "$command ended with $status: $(cat err.txt)"
    [ "$(wc -l <err.txt)" -eq 3 ] || fail "$command did not print three lines: $(cat -v err.txt)"
    ! LC_ALL=C grep -q "[^[:print:][:space:]$(printf '\200-\377')]" err.txt || fail "a control character: $(cat -v err.txt)"
    iconv -f utf-8 -t utf-8 err.txt >/dev/null || fail "output is not UTF-8: $(cat -v err.txt)"
done
cp -r whole damaged
sed -i "s/\"step\"/\"$(printf 'st\xff\x1b[2J')\"/" damaged/checkpoints/step-00000060/gradus/manifest.json
expect_ok "$gradus" eval damaged --text text.txt
grep -q 'step-00000060. is damaged' err.txt || fail "the damage was not reported: $(cat -v err.txt)"
iconv -f utf-8 -t utf-8 err.txt >/dev/null || fail "the note is not UTF-8: $(cat -v err.txt)"
! LC_ALL=C grep -q $'\x1b' err.txt || fail "a control character: $(cat -v err.txt)"
echo passed
