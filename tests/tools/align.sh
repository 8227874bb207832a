#!/usr/bin/env bash
# sft, reward, dpo, ppo and grpo: each learns, and a run that is stopped or killed at any place ends as an undisturbed one: the
# same log, the same files of the last checkpoint, to the last bit.
source "$(dirname "$0")/helpers/check.sh"
source "$root/tests/tools/helpers/align.sh"
stop_at=$(dirname "$gradus")/tests/stop_at.so
[ -e "$stop_at" ] || fail "there is no $stop_at: build the target stop_at"
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
prepare_alignment

# with_signal NUMBER COUNT COMMAND…: the signal arrives when so many lines of the log are written, or (any) so much has happened.
with_signal() {
    local signal=$1 at=$2
    shift 2
    # In a shell of its own, which would tell that it was killed.
    (STOP_SIGNAL=$signal STOP_AT=$at LD_PRELOAD=$stop_at GOMP_SPINCOUNT=2000 "$@" >out.txt 2>err.txt </dev/null; exit $?) 2>/dev/null
}

for stage in sft reward dpo ppo grpo; do
    expect_ok "$gradus" $stage $stage.toml
    grep -q '^done: ' out.txt || fail "$stage does not say how to go on: $(cat out.txt)"
    result_of $stage >whole.txt
    steps=$(wc -l <$stage/log.jsonl)

    # Asked to stop after some steps: a checkpoint, status 0, and the command to resume, which works.
    mv $stage $stage.whole
    with_signal 15 4 "$gradus" $stage $stage.toml || fail "$stage, asked to stop, ended with $?: $(cat err.txt)"
    grep -q "^stopped; resume: gradus $stage $stage/recipe.toml" out.txt || fail "$stage printed: $(cat out.txt)"
    [ "$(wc -l <$stage/log.jsonl)" -eq 4 ] || fail "$stage did not end after the step: $(cat $stage/log.jsonl)"
    # The checkpoint of another step than a regular one; the run itself names its recipe.
    expect_ok "$gradus" $stage $stage
    grep -q '^resume   after step 4' out.txt || fail "$stage did not resume: $(cat out.txt)"
    result_of $stage | cmp - whole.txt || fail "$stage, stopped and resumed, differs: $(result_of $stage | diff - whole.txt | head -5)"

    # Killed somewhere, several times.
    rm -r $stage
    for ((kills = 0; kills < 3; ++kills)); do
        STOP_ON=any with_signal 9 $((RANDOM % 40 + 8)) "$gradus" $stage $stage.toml && break
    done
    expect_ok "$gradus" $stage $stage.toml
    result_of $stage | cmp - whole.txt || fail "$stage, killed and resumed, differs: $(result_of $stage | diff - whole.txt | head -5)"
    rm -r $stage.whole
    expect_ok "$gradus" $stage $stage.toml
    grep -q "has finished all of its $steps steps" out.txt || fail "$stage is not finished: $(cat out.txt)"
done

# What was learnt.
awk 'NR == 1 { first = $1 } END { exit !($1 < first / 2) }' <(values_of sft loss) || fail "sft does not learn: $(values_of sft loss)"
awk 'END { exit !($1 >= 0.9) }' <(values_of reward val_accuracy) || fail "the reward model does not learn: $(cat reward/log.jsonl)"
awk 'END { exit !($1 >= 0.9) }' <(values_of dpo accuracy) || fail "dpo does not learn: $(values_of dpo accuracy)"
# Before the first update of an iteration the policy is the one that answered.
for stage in ppo grpo; do
    awk '!($1 <= 1e-6) { exit 1 }' <(values_of $stage first_ratio_error) || fail "$stage begins with other ratios: $(values_of $stage first_ratio_error)"
    awk 'NR == 1 { exit !($1 ^ 2 < 1e-8) }' <(values_of $stage kl) || fail "$stage does not begin at the reference: $(values_of $stage kl)"
    [ "$(values_of $stage kl | wc -l)" -eq 10 ] || fail "$stage has not 10 iterations"
done

# The checkpoints: folders that transformers loads, with what other commands need.
for stage in sft reward dpo ppo grpo; do
    last=$stage/checkpoints/latest
    for file in config.json model.safetensors tokenizer.json tokenizer_config.json gradus/chat_template.json gradus/manifest.json; do
        [ -s "$last/$file" ] || fail "$last has no $file"
    done
    grep -q '"chat_template": ".*Assistant:' $last/tokenizer_config.json || fail "$last has no template: $(cat $last/tokenizer_config.json)"
done
grep -q '"score.weight"' reward/checkpoints/latest/model.safetensors || fail "the reward model has no score.weight"
grep -q 'ForSequenceClassification' reward/checkpoints/latest/config.json || fail "the reward model is not one of transformers'"
for file in config.json model.safetensors gradus/optimizer.safetensors; do
    [ -s ppo/checkpoints/latest/value/$file ] || fail "the checkpoint of ppo has no value/$file"
done
grep -q '"score.weight"' ppo/checkpoints/latest/value/model.safetensors || fail "the value model has no score.weight"
for stage in sft dpo ppo grpo; do
    expect_ok "$gradus" generate $stage --prompt 'User: say red 1' --max-tokens 4
done

# --auto-resume restarts a run whose process is lost: some log lines later it is killed again. GRADUS_KILLS=20 kills it twenty times.
kills=${GRADUS_KILLS:-3}
steps=$((kills * 4))
expect_ok "$gradus" ppo ppo.toml --run.dir=steady --train.steps=$steps
cat >lost.sh <<SH
n=\$(cat starts 2>/dev/null || echo 0)
echo \$((n + 1)) >starts
[ "\$n" -ge $kills ] || export LD_PRELOAD="$stop_at" STOP_AT=\$((n % 3 + 3)) STOP_SIGNAL=9
exec "\$@"
SH
expect_ok "$gradus" ppo ppo.toml --run.dir=lost --train.steps=$steps --auto-resume --launch "bash lost.sh"
[ "$(cat starts)" -eq $((kills + 1)) ] || fail "it was started $(cat starts) times: $(cat err.txt)"
result_of lost | sed 's/lost/steady/g' | cmp - <(result_of steady) || fail "the run that was lost $kills times differs: $(result_of lost | diff - <(result_of steady) | head -5)"
echo "passed; PPO was killed $kills times"
