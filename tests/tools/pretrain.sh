#!/usr/bin/env bash
# A training run from text to a model that writes, and everything that may not go wrong on the way: a stop, a kill, a
# second run in the same folder, other settings, damaged files.
source "$(dirname "$0")/helpers/check.sh"
prepare_data
write_recipe
train=("$gradus" pretrain recipe.toml --set)

# The loss falls, each step is in the log once, and the checkpoint talks.
expect_ok "${train[@]}" run.dir=whole --set sample.every=30 --set sample.prompts=the --set sample.tokens=20
grep -q '^memory ' out.txt || fail "no memory table: $(cat out.txt)"
[ "$(grep -c '^step ' out.txt)" -eq 60 ] || fail "not a line for each step: $(cat out.txt)"
[ "$(wc -l <whole/log.jsonl)" -eq 60 ] || fail "the log has $(wc -l <whole/log.jsonl) lines"
[ "$(grep -c val_bits_per_byte whole/log.jsonl)" -eq 3 ] || fail "validations: $(grep -c val_loss whole/log.jsonl)"
[ "$(wc -l <whole/samples.jsonl)" -eq 2 ] || fail "samples: $(cat whole/samples.jsonl)"
first=$(sed -n '1s/.*"loss":\([0-9.]*\).*/\1/p' whole/log.jsonl) last=$(sed -n '60s/.*"loss":\([0-9.]*\).*/\1/p' whole/log.jsonl)
awk -v a="$first" -v b="$last" 'BEGIN { exit !(b < a - 0.5) }' || fail "the loss went from $first to $last"
expect_ok "$gradus" generate whole --prompt the --max-tokens 5
expect_ok "$gradus" report whole
grep -q '</html>' whole/report.html || fail "the report is not whole"
! grep -qE '(src|href)=' whole/report.html || fail "the report needs other files"

# A run that is done has nothing left to do; one that says never is refused.
expect_ok "$gradus" pretrain whole/recipe.toml
grep -q 'has done all' out.txt || fail "a finished run said: $(cat out.txt)"
expect_error 1 'holds a run already' "${train[@]}" run.dir=whole --resume never

# wait_for_steps N FOLDER: until the log of the run in the background has N lines.
wait_for_steps() {
    for ((i = 0; i < 3000; ++i)); do
        [ "$(cat "$2/log.jsonl" 2>/dev/null | wc -l)" -ge "$1" ] && return
        sleep 0.01
    done
    fail "no $1 steps in 30 s: $(cat "$2".txt)"
}
long=(--set train.steps=3000 --set validation.every=1000 --set checkpoint.every=500)
expect_ok "${train[@]}" run.dir=long "${long[@]}"

# Asked to stop, a run finishes its step, saves, says how to go on, and ends with 0; what follows is what would have been.
for signal in INT TERM; do
    "${train[@]}" run.dir=$signal "${long[@]}" >$signal.txt 2>&1 &
    pid=$!
    wait_for_steps 100 $signal
    expect_error 1 'another run is writing' "${train[@]}" run.dir=$signal "${long[@]}"
    kill -$signal $pid
    wait $pid || fail "SIG$signal ended with $?: $(tail -3 $signal.txt)"
    grep -q "resume: gradus pretrain $signal/recipe.toml" $signal.txt || fail "SIG$signal: $(tail -3 $signal.txt)"
    [ "$(wc -l <$signal/log.jsonl)" -lt 3000 ] || fail "the run was over before SIG$signal"
    expect_ok "$gradus" pretrain $signal/recipe.toml
    cmp <(steps_of $signal) <(steps_of long) || fail "after SIG$signal the run went on otherwise"
done

# Killed without a word, it goes on from its last checkpoint, and the log still has each step once.
"${train[@]}" run.dir=killed "${long[@]}" >killed.txt 2>&1 &
pid=$!
wait_for_steps 700 killed
kill -KILL $pid
wait $pid && fail "SIGKILL was survived"
printf '{"step":70' >>killed/log.jsonl
expect_ok "$gradus" pretrain killed/recipe.toml --set train.micro_batch=4
grep -q '^resume   after step' out.txt || fail "it began afresh: $(head -3 out.txt)"
cmp <(steps_of killed) <(steps_of long) || fail "after a kill the run went on otherwise"

# What matters cannot change under a run; the key and both values are named.
expect_error 1 'optimizer.lr = 0.003.*0.1' "${train[@]}" run.dir=whole --set optimizer.lr=0.1
expect_error 1 'go on from have model.layers = 2' "${train[@]}" run.dir=whole --set model.layers=3
sed 's/cat/dog/' text.txt >other.txt
expect_ok "$gradus" data prepare other.txt --split tail --val-fraction 0.1 --tokenizer prepared/tokenizer.json --out other
expect_error 1 'began with data' "${train[@]}" run.dir=whole --set data.dir=other

# A loss that is no number ends the run without spoiling the checkpoint.
expect_error 1 'is not a number' "${train[@]}" run.dir=diverged --set optimizer.lr=100 --set optimizer.clip=0 --set train.steps=400 \
    --set optimizer.warmup=0 --set optimizer.schedule=constant --set checkpoint.every=1 --set optimizer.weight_decay=100 \
    --set validation.every=0
[ "$(ls diverged/checkpoints 2>/dev/null | grep -c step-)" -ge 1 ] || fail "the checkpoint before is gone"

# The tokenizer must be the one that made the tokens; shards must be whole.
cp -r prepared broken
sed -i 's/"the"/"teh"/; s/1.0/1.00/' broken/tokenizer.json
echo >>broken/tokenizer.json
expect_error 1 'tokenizer' "${train[@]}" run.dir=broken-run --set data.dir=broken
cp -r prepared cut
truncate -s -100 cut/train.bin
expect_error 1 'train' "${train[@]}" run.dir=cut-run --set data.dir=cut

# By the clock: the steps are set once, written down, and a resumed run keeps them.
expect_ok "${train[@]}" run.dir=timed --set train.minutes=0.05
grep -q 'steps fit into' out.txt || fail "no steps were set: $(cat out.txt)"
steps=$(sed -n 's/^steps = //p' timed/recipe.toml)
[ "$(wc -l <timed/log.jsonl)" -eq "$steps" ] || fail "$steps steps were set, the log has $(wc -l <timed/log.jsonl)"
expect_ok "$gradus" pretrain timed/recipe.toml
grep -q 'has done all' out.txt || fail "the timed run went on: $(cat out.txt)"

# From the weights of another run.
expect_ok "${train[@]}" run.dir=further --set model.from=whole
further=$(sed -n '1s/.*"loss":\([0-9.]*\).*/\1/p' further/log.jsonl)
awk -v a="$first" -v b="$further" 'BEGIN { exit !(b < a - 0.5) }' || fail "it did not begin from the weights: $further"
expect_error 1 'model.layers' "${train[@]}" run.dir=odd --set model.from=whole --set model.layers=5
echo passed
