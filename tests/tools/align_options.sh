#!/usr/bin/env bash
# Options of the stages that align a model: what each does, and that a run with it, stopped and resumed, ends as an undisturbed
# one, and on two ranks begins as on one.
source "$(dirname "$0")/helpers/check.sh"
source "$root/tests/tools/helpers/align.sh"
stop_at=$(dirname "$gradus")/tests/stop_at.so
[ -e "$stop_at" ] || fail "there is no $stop_at: build the target stop_at"
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
prepare_alignment
align_up_to reward

# undisturbed_and_resumed RUN STAGE OPTION…: the run, and again with a request to stop after some steps.
undisturbed_and_resumed() {
    local run=$1 stage=$2
    shift 2
    expect_ok "$gradus" "$stage" "$stage.toml" --run.dir="$run" "$@"
    result_of "$run" >whole.txt
    mv "$run" "$run.whole"
    STOP_SIGNAL=15 STOP_AT=4 LD_PRELOAD=$stop_at "$gradus" "$stage" "$stage.toml" --run.dir="$run" "$@" >out.txt 2>err.txt ||
        fail "$run, asked to stop, ended with $?: $(cat err.txt)"
    grep -q '^stopped; ' out.txt || fail "$run was not stopped: $(cat out.txt)"
    expect_ok "$gradus" "$stage" "$run"
    result_of "$run" | cmp - whole.txt || fail "$run, stopped and resumed, differs: $(result_of "$run" | diff - whole.txt | head -5)"
}

# ---- ppo: pre-training text ----------------------------------------------------------------------------------------------
text=(--ppo.ptx_weight=5 --ppo.ptx_rows=3 --data.dir=prepared)
undisturbed_and_resumed ptx ppo "${text[@]}"
awk 'NR == 1 { first = $1 } END { exit !(NR == 10 && $1 < 0.8 * first) }' <(values_of ptx ptx_loss) ||
    fail "the loss of pre-training text does not fall: $(values_of ptx ptx_loss)"
sed 's/say/tell/' text.txt >other.txt
expect_ok "$gradus" data prepare other.txt --split tail --val-fraction 0.1 --tokenizer prepared --out elsewhere
expect_error 1 'with different data' "$gradus" ppo ptx --data.dir=elsewhere
# ---- an average of the weights, Adam's eps as TensorFlow has it, noise on the embeddings ----------------------------------------
average=(--optimizer.average=0.8 --optimizer.eps_form=tensorflow)
undisturbed_and_resumed averaged ppo "${average[@]}"
last=averaged/checkpoints/latest
grep -q '^average  of the weights, decay 0.8: gradus chat averaged/checkpoints/latest/averaged$' out.txt || fail "no word of the average: $(cat out.txt)"
for file in config.json model.safetensors generation_config.json tokenizer.json tokenizer_config.json gradus/chat_template.json; do
    [ -s "$last/averaged/$file" ] || fail "the average has no $file"
done
! cmp -s $last/averaged/model.safetensors $last/model.safetensors || fail "the average is the last state"
[ ! -e $last/value/averaged ] || fail "the value model has an average"
expect_ok "$gradus" generate $last/averaged --prompt 'User: say red 1' --max-tokens 4
expect_ok "$gradus" ppo ppo.toml --run.dir=torch --train.steps=1
expect_ok "$gradus" ppo ppo.toml --run.dir=tensorflow --train.steps=1 --optimizer.eps_form=tensorflow
[ "$(values_of torch kl)" = "$(values_of tensorflow kl)" ] || fail "another first iteration: $(values_of torch kl)"
! cmp -s torch/checkpoints/latest/model.safetensors tensorflow/checkpoints/latest/model.safetensors || fail "eps_form has no effect"
undisturbed_and_resumed noisy sft --sft.neftune_alpha=5 --optimizer.average=0.8
expect_ok "$gradus" sft sft.toml --run.dir=plain
[ "$(values_of noisy loss | head -1)" != "$(values_of plain loss | head -1)" ] || fail "no noise in the loss"
expect_error 1 'sft.neftune_alpha 5.0 → 4.0' "$gradus" sft noisy --sft.neftune_alpha=4

# ---- all stages that validate: the best checkpoint, and an early end --------------------------------------------------------
# Wrong answers validate: they become likelier at first, as all English does here, and then less.
sed 's/"prompt": "\([^"]*\)", "chosen": "[^"]*", "rejected"/"prompt": "\1", "completion"/' pairs.jsonl >contrary.jsonl
best=('--sft.val=["contrary.jsonl"]' --validation.every=3 --validation.patience=3 --train.steps=90)
undisturbed_and_resumed early sft "${best[@]}"
steps=$(wc -l <early/log.jsonl)
[ "$steps" -lt 90 ] || fail "the run did not end early: $(values_of early val_loss)"
read -r step loss < <(sed -n 's/.*"step":\([0-9]*\),.*"val_loss":\([-0-9.e+]*\).*/\1 \2/p' early/log.jsonl | sort -g -k2 | head -1)
[ "$steps" -eq $((step + 9)) ] || fail "the run ended after step $steps, and its lowest loss was at $step"
[ "$(readlink early/checkpoints/best)" = "$(printf 'step-%08d' "$step")" ] || fail "best is $(readlink early/checkpoints/best), not $step"
grep -q "^early    ended after step $steps: 3 validations without a lower loss" out.txt || fail "no word of the end: $(cat out.txt)"
grep -q "^best     validation loss $(printf %.4f "$loss"), after step $step: gradus chat early/checkpoints/best" out.txt ||
    fail "no word of the best checkpoint: $(cat out.txt)"
expect_ok "$gradus" sft early
grep -q "has ended after $steps of its 90 steps" out.txt || fail "the run is not over: $(cat out.txt)"
expect_ok "$gradus" generate early/checkpoints/best --prompt 'User: say red 1' --max-tokens 4
expect_ok "$gradus" dpo dpo.toml --run.dir=from-best --model.from=early/checkpoints/best --train.steps=2
expect_ok "$gradus" sft early --validation.patience=4
[ "$(wc -l <early/log.jsonl)" -gt "$steps" ] || fail "the run did not go on with more patience"
expect_ok "$gradus" reward reward.toml --run.dir=kept --validation.every=10 --validation.keep_best=true
grep -q '^best     validation loss .*: gradus score kept/checkpoints/best FILE' out.txt || fail "no word of the best: $(cat out.txt)"
echo '{"prompt": "say red 1", "response": "red"}' >answers.jsonl
expect_ok "$gradus" score kept/checkpoints/best answers.jsonl
expect_ok "$gradus" pretrain pretrain.toml --run.dir=base-kept --validation.every=10 --validation.keep_best=true
grep -q '^best     .*: gradus generate base-kept/checkpoints/best --prompt TEXT' out.txt || fail "no word of the best: $(cat out.txt)"
expect_ok "$gradus" eval base-kept/checkpoints/best --text text.txt
expect_ok "$gradus" sft sft.toml --run.dir=unseen --sft.val_share=0 --validation.patience=3 --train.steps=3
grep -q 'validation.patience.* has no effect: there is no validation data' err.txt || fail "no note: $(cat err.txt)"

# ---- grpo: dynamic sampling, and a penalty for answers that are too long -----------------------------------------------------
groups=(--grpo.dynamic_sampling=true --grpo.max_rounds=4 --grpo.batch=16 --grpo.overlong=6 --grpo.missing_end=0)
undisturbed_and_resumed groups grpo "${groups[@]}"
used=$(sed -n 's/.*"prompts_used": *\([0-9]*\).*/\1/p' groups/checkpoints/latest/gradus/manifest.json)
[ "$used" -eq "$(values_of groups sampled | awk '{ n += $1 / 4 } END { print n }')" ] || fail "$used prompts were used: $(values_of groups sampled)"
paste <(values_of groups rounds) <(values_of groups without_spread) <(values_of groups sampled) |
    awk '{ if ($1 < 1 || $1 > 4 || ($2 > 0 && $1 != 4) || $3 < 16) exit 1; n += $1 > 1 } END { exit !(n > 0) }' ||
    fail "rounds, groups without a spread, answers: $(paste <(values_of groups rounds) <(values_of groups without_spread) <(values_of groups sampled))"
paste <(values_of groups score) <(values_of groups reward) <(values_of groups length) |
    awk '{ if (!($2 <= $1)) exit 1; n += $2 < $1 - 0.01 } END { exit !(n > 0) }' || fail "no answer is too long: $(cat groups/log.jsonl)"
expect_error 1 'the zone in which answers lose score' "$gradus" grpo grpo.toml --run.dir=none --grpo.overlong=9

# ---- on two ranks --------------------------------------------------------------------------------------------------------
source "$root/tests/tools/helpers/ranks.sh"
expect_ok "$gradus" sft sft.toml --run.dir=once "${best[@]}"
for mesh in dp tp; do
    expect_ok on_ranks 2 "$gradus" sft sft.toml --run.dir=noisy-$mesh --mesh.$mesh=2 --sft.neftune_alpha=5 --optimizer.average=0.8
    same_values noisy-$mesh noisy loss 1e-4
    expect_ok "$gradus" generate noisy-$mesh/checkpoints/latest/averaged --prompt 'User: say red 1' --max-tokens 4 --temperature 0
    cp out.txt of_ranks.txt
    expect_ok "$gradus" generate noisy/checkpoints/latest/averaged --prompt 'User: say red 1' --max-tokens 4 --temperature 0
    cmp out.txt of_ranks.txt || fail "another average on $mesh"
    expect_ok on_ranks 2 "$gradus" sft sft.toml --run.dir=early-$mesh --mesh.$mesh=2 "${best[@]}"
    [ "$(readlink early-$mesh/checkpoints/best)" = "$(readlink once/checkpoints/best)" ] || fail "another best on $mesh"
    [ "$(wc -l <early-$mesh/log.jsonl)" -eq "$(wc -l <once/log.jsonl)" ] || fail "another end on $mesh"
    expect_ok on_ranks 2 "$gradus" grpo grpo.toml --run.dir=groups-$mesh --mesh.$mesh=2 "${groups[@]}"
    for key in rounds sampled score reward entropy; do same_values groups-$mesh groups $key 1e-4 1; done
    expect_ok on_ranks 2 "$gradus" ppo ppo.toml --run.dir=ptx-$mesh --mesh.$mesh=2 "${text[@]}"
    for key in ptx_loss grad_norm score kl; do same_values ptx-$mesh ptx $key 1e-4 1; done
done
echo passed
