#!/usr/bin/env bash
# A training run from text to a model that generates, and what may not go wrong: a stop, a kill, a second run in the same
# folder, other settings, damaged files.
source "$(dirname "$0")/helpers/check.sh"
prepare_data
write_recipe
train=("$gradus" pretrain recipe.toml --set)

# The loss falls, each step is in the log once, and the checkpoint generates text.
expect_ok "${train[@]}" run.dir=whole --set sample.every=30 --set sample.prompts=the --set sample.tokens=20
grep -q '^memory ' out.txt || fail "no memory table: $(cat out.txt)"
# To a file, few lines are printed: the first step, those with a validation, the last one, and one about every ten seconds.
for step in 1 25 50 60; do grep -q "^step *$step/60 " out.txt || fail "no line of step $step: $(cat out.txt)"; done
[ "$(grep -c '^step ' out.txt)" -lt 30 ] || fail "a line for each step: $(cat out.txt)"
grep -q '^data .*epochs$' out.txt || fail "no epochs: $(cat out.txt)"
! grep -q 'times the former' out.txt || fail "epochs are not printed plainly: $(cat out.txt)"
[ "$(wc -l <whole/log.jsonl)" -eq 60 ] || fail "the log has $(wc -l <whole/log.jsonl) lines"
[ "$(grep -c val_bits_per_byte whole/log.jsonl)" -eq 3 ] || fail "validations: $(grep -c val_loss whole/log.jsonl)"
[ "$(wc -l <whole/samples.jsonl)" -eq 2 ] || fail "samples: $(cat whole/samples.jsonl)"
first=$(sed -n '1s/.*"loss":\([0-9.]*\).*/\1/p' whole/log.jsonl) last=$(sed -n '60s/.*"loss":\([0-9.]*\).*/\1/p' whole/log.jsonl)
awk -v a="$first" -v b="$last" 'BEGIN { exit !(b < a - 0.5) }' || fail "the loss went from $first to $last"
expect_ok "$gradus" generate whole --prompt the --max-tokens 5
expect_ok "$gradus" report whole
grep -q '</html>' whole/report.html || fail "the report is incomplete"
! grep -qE '(src|href)=' whole/report.html || fail "the report needs other files"

# A finished run has nothing left to do; with --resume never it is refused.
expect_ok "$gradus" pretrain whole/recipe.toml
grep -q 'has finished all' out.txt || fail "a finished run printed: $(cat out.txt)"
expect_error 1 'already contains a run' "${train[@]}" run.dir=whole --resume never

# Output that cannot be written never ends a run: no reader, a full disk, a reader that was ended by the same Ctrl-C.
{ expect=0; "${train[@]}" run.dir=unread 2>&1 || expect=$?; echo "$expect" >unread.status; } | head -n 1 >unread.txt
[ "$(cat unread.status)" -eq 0 ] || fail "a run without a reader ended with $(cat unread.status)"
cmp <(steps_of unread) <(steps_of whole) || fail "a run without a reader differs"
[ -d unread/checkpoints/step-00000060 ] || fail "a run without a reader did not save"
if [ -w /dev/full ]; then
    "${train[@]}" run.dir=full >/dev/full 2>err.txt || fail "a run with a full standard output ended with $?: $(cat err.txt)"
    [ -d full/checkpoints/step-00000060 ] || fail "a run with a full standard output did not save"
    [ "$(grep -c 'standard output cannot be written' err.txt)" -eq 1 ] || fail "there is not exactly one note: $(cat err.txt)"
fi

# wait_for_steps N FOLDER: until the log of the run in the background has N lines.
wait_for_steps() {
    for ((i = 0; i < 12000; ++i)); do
        [ "$(cat "$2/log.jsonl" 2>/dev/null | wc -l)" -ge "$1" ] && return
        sleep 0.01
    done
    fail "no $1 steps in 120 s: $(cat "$2".txt)"
}
long=(--set train.steps=3000 --set validation.every=1000 --set checkpoint.every=500)
expect_ok "${train[@]}" run.dir=long "${long[@]}"

# Asked to stop, a run finishes its step, saves, prints how to resume, and ends with 0; the resumed run is the same.
for signal in INT TERM HUP; do
    "${train[@]}" run.dir=$signal "${long[@]}" >$signal.txt 2>&1 &
    pid=$!
    wait_for_steps 100 $signal
    expect_error 1 'another run is writing' "${train[@]}" run.dir=$signal "${long[@]}"
    kill -$signal $pid
    wait $pid || fail "SIG$signal ended with $?: $(tail -3 $signal.txt)"
    grep -q "resume: gradus pretrain $signal/recipe.toml" $signal.txt || fail "SIG$signal: $(tail -3 $signal.txt)"
    [ "$(wc -l <$signal/log.jsonl)" -lt 3000 ] || fail "the run was over before SIG$signal"
    expect_ok "$gradus" pretrain $signal/recipe.toml
    cmp <(steps_of $signal) <(steps_of long) || fail "after SIG$signal the run differs"
done

# Under nohup a closed terminal does not stop the run.
(trap '' HUP; exec "${train[@]}" run.dir=nohup "${long[@]}" >nohup.txt 2>&1) &
pid=$!
wait_for_steps 100 nohup
kill -HUP $pid
wait_for_steps 400 nohup
kill -TERM $pid
wait $pid || fail "under nohup it ended with $?: $(tail -3 nohup.txt)"

# The tokenizer is read when the run begins: later changes of its file do not affect checkpoints.
cp -r prepared fleeting
"${train[@]}" run.dir=fleeting-run --set data.dir=fleeting "${long[@]}" >fleeting.txt 2>&1 &
pid=$!
wait_for_steps 100 fleeting-run
rm fleeting/tokenizer.json
kill -TERM $pid
wait $pid || fail "without its tokenizer's file it ended with $?: $(tail -3 fleeting.txt)"
cmp fleeting-run/checkpoints/latest/tokenizer.json prepared/tokenizer.json || fail "the checkpoint has another tokenizer"

# A stop abandons a running validation; the step's line then lacks it.
"${train[@]}" run.dir=validating "${long[@]}" --set validation.every=1 --set validation.windows=0 --set train.context=4 \
    --set train.batch=1 --set train.micro_batch=1 >validating.txt 2>&1 &
pid=$!
wait_for_steps 2 validating
kill -TERM $pid
wait $pid || fail "while it validated it ended with $?: $(tail -3 validating.txt)"
[ "$(ls validating/checkpoints | grep -c step-)" -eq 1 ] || fail "it was not saved: $(ls validating/checkpoints)"

# After SIGKILL the run resumes from its last checkpoint, and the log still has each step once.
"${train[@]}" run.dir=killed "${long[@]}" >killed.txt 2>&1 &
pid=$!
wait_for_steps 700 killed
kill -KILL $pid
wait $pid && fail "SIGKILL was survived"
printf '{"step":70' >>killed/log.jsonl
echo half >killed/run.json.tmp$pid
expect_ok "$gradus" pretrain killed/recipe.toml --set train.micro_batch=4
grep -q '^resume   after step' out.txt || fail "it started from the beginning: $(head -3 out.txt)"
cmp <(steps_of killed) <(steps_of long) || fail "after a kill the run differs"
[ ! -e killed/run.json.tmp$pid ] || fail "partial files of the killed process are still there"

# With a flipped bit in the newest checkpoint the run resumes from the previous one; without one, the error says what to do.
newest=killed/checkpoints/step-00003000/model.safetensors
printf '\377' | dd of=$newest bs=1 seek=5000 conv=notrunc status=none
printf '\000' | dd of=$newest bs=1 seek=5001 conv=notrunc status=none
expect_ok "$gradus" pretrain killed/recipe.toml
grep -q 'step-00003000.*checksum does not match' err.txt || fail "the damage was not reported: $(cat err.txt)"
grep -q '^resume   after step 2500' out.txt || fail "it did not resume from the previous checkpoint: $(head -3 out.txt)"
cmp <(steps_of killed) <(steps_of long) || fail "after the damage the run differs"
for folder in killed/checkpoints/step-*; do truncate -s 100 $folder/model.safetensors; done
status=0
"$gradus" pretrain killed/recipe.toml >out.txt 2>err.txt || status=$?
[ $status -eq 1 ] || fail "with only damaged checkpoints it ended with $status"
grep -qx '  fix:   mv killed/checkpoints killed/checkpoints.damaged' err.txt || fail "no fix is printed: $(cat err.txt)"
mv killed/checkpoints killed/checkpoints.damaged
expect_ok "$gradus" pretrain killed/recipe.toml --set train.steps=3000
cmp <(steps_of killed) <(steps_of long) || fail "restarted from the beginning, the run differs"

# A run's folder can be given as its recipe, even if it was moved.
cp -r whole moved
expect_ok "$gradus" pretrain moved
grep -q 'has finished all.*moved/checkpoints' out.txt || fail "the folder of a run printed: $(cat out.txt)"
mkdir nothing
expect_error 1 'no recipe.toml' "$gradus" pretrain nothing

# A dry run checks everything and writes nothing, not even a lock.
expect_ok "${train[@]}" run.dir=dry --dry-run
grep -q '^dry run: nothing was written; without --dry-run it would train in .dry. for 60 steps' out.txt || fail "a dry run printed: $(cat out.txt)"
for line in model data batch memory; do grep -q "^$line " out.txt || fail "a dry run has no $line: $(cat out.txt)"; done
[ ! -e dry ] || fail "a dry run made a folder"
before=$(find killed -printf '%p %s %T@\n' | sort)
expect_ok "$gradus" pretrain killed --dry-run
grep -q 'do nothing' out.txt || fail "a dry run of a finished run printed: $(cat out.txt)"
[ "$before" = "$(find killed -printf '%p %s %T@\n' | sort)" ] || fail "a dry run changed its folder"
expect_error 1 'optimizer.lr 0.003 → 0.1' "${train[@]}" run.dir=whole --optimizer.lr=0.1 --dry-run
expect_error 1 'there are no tokens' "${train[@]}" run.dir=dry --data.dir nowhere --dry-run

# Settings that matter cannot change during a run; the error has the key and both values.
expect_error 1 'different settings: optimizer.lr 0.003 → 0.1' "${train[@]}" run.dir=whole --set optimizer.lr=0.1
expect_error 1 'different settings: model.layers 2 → 3$' "${train[@]}" run.dir=whole --set model.layers=3
expect_error 1 'different settings: model.layers 2 → 3, train.steps 60 → 90, optimizer.lr 0.003 → 0.1$' "${train[@]}" \
    run.dir=whole --set optimizer.lr=0.1 --set model.layers=3 --set train.steps=90
grep -q 'fix:   --set model.layers=2 --set train.steps=60 --set optimizer.lr=0.003, or' err.txt || fail "$(cat err.txt)"
sed 's/cat/dog/' text.txt >other.txt
expect_ok "$gradus" data prepare other.txt --split tail --val-fraction 0.1 --tokenizer prepared/tokenizer.json --out other
expect_error 1 'began with different data' "${train[@]}" run.dir=whole --set data.dir=other

# A loss that is NaN: the run rolls back to the previous checkpoint, then to older ones at lower learning rates, until none is
# left. It ends without damaging the oldest one.
status=0
"${train[@]}" run.dir=diverged --set optimizer.lr=100 --set optimizer.clip=0 --set train.steps=400 \
    --set optimizer.warmup=0 --set optimizer.schedule=constant --set checkpoint.every=1 --set optimizer.weight_decay=100 \
    --set validation.every=0 >out.txt 2>err.txt || status=$?
[ "$status" -eq 1 ] || fail "a run with NaN losses ended with $status: $(cat err.txt)"
grep -q 'is skipped: not a number' err.txt || fail "no step was skipped: $(cat err.txt)"
grep -q 'back from step [0-9]* to the checkpoint of step [0-9]*' err.txt || fail "nothing was rolled back: $(cat err.txt)"
tail -3 err.txt | head -1 | grep -q '^error: training diverged at step' || fail "the error is $(tail -3 err.txt)"
[ "$(ls diverged/checkpoints 2>/dev/null | grep -c step-)" -ge 1 ] || fail "the previous checkpoint was removed"

# The tokenizer must be the one that made the tokens; shards must be complete.
cp -r prepared broken
sed -i 's/"the"/"teh"/; s/1.0/1.00/' broken/tokenizer.json
echo >>broken/tokenizer.json
expect_error 1 'tokenizer' "${train[@]}" run.dir=broken-run --set data.dir=broken
cp -r prepared cut
truncate -s -100 cut/train.bin
expect_error 1 'train' "${train[@]}" run.dir=cut-run --set data.dir=cut

# train.minutes: the number of steps is set once and saved, and a resumed run keeps it.
expect_ok "${train[@]}" run.dir=timed --set train.minutes=0.05
grep -q 'steps fit into' out.txt || fail "no steps were set: $(cat out.txt)"
steps=$(sed -n 's/^steps = //p' timed/recipe.toml)
[ "$(wc -l <timed/log.jsonl)" -eq "$steps" ] || fail "$steps steps were set, the log has $(wc -l <timed/log.jsonl)"
expect_ok "$gradus" pretrain timed/recipe.toml
grep -q 'has finished all' out.txt || fail "the timed run went on: $(cat out.txt)"
expect_error 1 'too short to train' "${train[@]}" run.dir=short --set train.minutes=0.000001
grep -q 'fix:   --set train.minutes=' err.txt || fail "no longer time is suggested: $(cat err.txt)"
expect_error 1 'train.steps = [0-9]* (set by train.minutes)' "${train[@]}" run.dir=short --set train.minutes=0.02 \
    --set optimizer.warmup=200000
grep -q 'warm-up is longer than the run' err.txt || fail "another error: $(cat err.txt)"

# A refused run leaves no folder: settings, a model that could not be saved, a device, prompts, weights.
for refused in model.kv_heads=1 train.device=cuda model.from=nowhere optimizer.eps=0 data.dir=nowhere \
    'sample.prompts=the cat sees a dog. the cat sees a dog.'; do
    expect_error 1 . "${train[@]}" run.dir=short --set sample.every=10 --set sample.prompts=the --set "$refused"
done
grep -q 'fills the model' err.txt || fail "the long prompt: $(cat err.txt)"
[ ! -e short ] || fail "a refused run left a folder: $(ls -A short)"
expect_ok "${train[@]}" run.dir=2026-11-24 --set train.steps=10
grep -q '"threads": 1' 2026-11-24/run.json || fail "run.json has another number of threads: $(cat 2026-11-24/run.json)"

# Starting from the weights of another run: the data must have the same tokens.
expect_ok "${train[@]}" run.dir=further --set model.from=whole
further=$(sed -n '1s/.*"loss":\([0-9.]*\).*/\1/p' further/log.jsonl)
awk -v a="$first" -v b="$further" 'BEGIN { exit !(b < a - 0.5) }' || fail "it did not start from the weights: $further"
expect_error 1 'model.layers' "${train[@]}" run.dir=odd --set model.from=whole --set model.layers=5
tr 'a-z' 'b-za' <text.txt >turned.txt
expect_ok "$gradus" tokenizer train turned.txt --kind char --out turned
expect_ok "$gradus" data prepare turned.txt --split tail --val-fraction 0.1 --tokenizer turned --out turned
expect_error 1 'different tokens than the model' "${train[@]}" run.dir=odd --set model.from=whole --set data.dir=turned
[ ! -e odd ] || fail "a refused run left a folder: $(ls -A odd)"
echo passed
