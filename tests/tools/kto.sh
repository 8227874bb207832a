#!/usr/bin/env bash
# gradus dpo with dpo.loss=kto: it learns from labels, stops and resumes to the last bit, and has the numbers of one rank on two.
source "$(dirname "$0")/helpers/check.sh"
source "$root/tests/tools/helpers/align.sh"
prepare_alignment
expect_ok "$gradus" sft sft.toml
# A label for each answer: the right ones are good, and so many lines that two of three answers are.
sed 's/, "chosen": \(".*"\), "rejected.*/, "completion": \1, "label": true}/' pairs.jsonl >good.jsonl
sed 's/, "chosen.*"rejected": \(".*"\)}/, "completion": \1, "label": false}/' pairs.jsonl >bad.jsonl
{ cat good.jsonl; head -48 bad.jsonl; } >labels.jsonl
sed 's/"dpo"/"kto"/; s/^\[dpo\]/&\nloss = "kto"/; s/pairs.jsonl/labels.jsonl/; s/batch = 8/batch = 16/; s/steps = 16/steps = 24/' dpo.toml >kto.toml

# ---- learning --------------------------------------------------------------------------------------------------------
expect_ok "$gradus" dpo kto.toml
grep -q '^examples 144 answers with a label from' out.txt || fail "the labels are not counted: $(cat out.txt)"
grep -q '^answers  [0-9]* to train on, [0-9]* of them desirable; [0-9]* to validate on; 16 a step' out.txt || fail "$(cat out.txt)"
grep -q '^step .* loss .* KL 0.000  rewards +0.000 +0.000  log p ' out.txt || fail "it does not begin at the reference: $(cat out.txt)"
grep -q '^valid 24/24  loss .*  KL .*  rewards .* of [0-9]* answers' out.txt || fail "no validation: $(cat out.txt)"
grep -q '^note: the desirable answers, 1 × .* weigh 2.* times the undesirable ones' err.txt || fail "no advice on weights: $(cat err.txt)"
awk 'NR == 1 { exit !($1 == 0.5) }' <(values_of kto loss) || fail "a policy that is the reference has the loss $(values_of kto loss | head -1)"
# The model was fine-tuned on the good answers, which can hardly become likelier.
paste <(values_of kto desirable_reward) <(values_of kto undesirable_reward) | awk 'END { exit !($1 > -0.3 && $1 - $2 > 0.5) }' ||
    fail "good and bad answers are not told apart: $(cat kto/log.jsonl)"
awk 'END { exit !($1 < 0.45) }' <(values_of kto loss) || fail "the loss does not fall: $(values_of kto loss)"
for key in kl desirable_log_prob undesirable_log_prob grad_norm lr val_loss val_kl val_desirable_reward val_undesirable_reward; do
    grep -q "\"$key\":" kto/log.jsonl || fail "the log has no $key: $(tail -1 kto/log.jsonl)"
done
# The weight that the note names silences it.
weight=$(sed -n 's/.*--set \(dpo[^ ]*\)$/\1/p' err.txt)
expect_ok "$gradus" dpo kto.toml --run.dir=weighed --set "$weight" --train.steps=1
! grep -q 'weigh' err.txt || fail "advice is followed, and given again: $(cat err.txt)"
# Pairs and rankings are labels, too; of one kind alone the log has no mean, and a note says so.
expect_ok "$gradus" dpo kto.toml --run.dir=pairs '--dpo.data=["pairs.jsonl"]' --train.steps=1
grep -q '^examples 192 answers with a label from' out.txt || fail "a pair is not two labels: $(cat out.txt)"
! grep -q 'weigh' err.txt || fail "pairs are balanced: $(cat err.txt)"
echo '{"prompt": "say", "answers": ["a", "b", "c"], "ranks": [1, 2, 3]}' >ranking.jsonl
expect_ok "$gradus" dpo kto.toml --run.dir=ranked '--dpo.data=["pairs.jsonl", "ranking.jsonl"]' --train.steps=1
grep -q '^examples 6 answers with a label from' out.txt || fail "a ranking is not its pairs: $(cat out.txt)"
expect_ok "$gradus" dpo kto.toml --run.dir=good '--dpo.data=["good.jsonl"]' --train.steps=1
grep -q '^note: none of .* answers is undesirable' err.txt || fail "nothing is said of one label: $(cat err.txt)"
grep -q '"undesirable_reward":null' good/log.jsonl || fail "a mean of nothing: $(cat good/log.jsonl)"
grep -q 'rewards +0.000 none' out.txt || fail "a mean of nothing: $(cat out.txt)"

# ---- stopped and resumed; accumulation -------------------------------------------------------------------------------
open_ended=(--optimizer.schedule=constant --optimizer.warmup=0)  # the number of steps may change
expect_ok "$gradus" dpo kto.toml --run.dir=half --train.steps=12 "${open_ended[@]}"
expect_ok "$gradus" dpo kto.toml --run.dir=half --train.steps=24 "${open_ended[@]}"
grep -q '^resume   after step 12' out.txt || fail "it did not resume: $(cat out.txt)"
expect_ok "$gradus" dpo kto.toml --run.dir=whole --train.steps=24 "${open_ended[@]}"
without_validation() { sed 's/"val_[a-z_]*":[^,}]*//g; s/,,*/,/g; s/,}/}/' <(steps_of "$1"); }
cmp <(without_validation half) <(without_validation whole) || fail "a resumed run differs"
cmp half/checkpoints/latest/model.safetensors whole/checkpoints/latest/model.safetensors || fail "a resumed model differs"
expect_error 1 'dpo.desirable_weight 1.0 → 2.0' "$gradus" dpo kto.toml --dpo.desirable_weight=2
expect_ok "$gradus" dpo kto.toml --run.dir=rows --train.micro_batch=1
paste <(values_of kto loss) <(values_of rows loss) | awk '!(($1 / $2 - 1) ^ 2 < 1e-10) { exit 1 }' || fail "micro-batches change the loss"

# ---- what the model sees, and what a run needs -----------------------------------------------------------------------
expect_ok "$gradus" dpo kto.toml --check-data 3 --json
[ "$(grep -c '^{"answer": "desirable", "ids": \[.*"learnt": \[.*"text": "User: say .*Assistant: ' out.txt)" -eq 3 ] || fail "$(cat out.txt)"
[ "$(wc -l <out.txt)" -eq 3 ] || fail "not three lines: $(cat out.txt)"
expect_ok "$gradus" dpo dpo.toml --check-data 2
grep -q '^chosen:' out.txt && grep -q '^rejected:' out.txt && grep -q 'Assistant:⟦ ' out.txt || fail "pairs are not shown: $(cat out.txt)"
expect_ok "$gradus" plan kto.toml
grep -q '^memory of a rank' out.txt || fail "no plan: $(cat out.txt)"

# ---- misuse ----------------------------------------------------------------------------------------------------------
expect_error 1 'kto needs more than one answer in a step' "$gradus" dpo kto.toml --run.dir=none --train.batch=1
sed 's/"prompt": "[^"]*"/"prompt": "say"/' labels.jsonl >same.jsonl
expect_error 1 'kto needs answers to different prompts' "$gradus" dpo kto.toml --run.dir=none --dpo.val_share=0 '--dpo.data=["same.jsonl"]'
expect_error 1 'is of the wrong kind for gradus dpo' "$gradus" dpo kto.toml --run.dir=none '--dpo.data=["demonstrations.jsonl"]'
grep -q 'answers with a label' err.txt || fail "what is needed is not said: $(cat err.txt)"
expect_error 1 'is of the wrong kind for gradus dpo' "$gradus" dpo kto.toml --run.dir=none --dpo.loss=dpo
echo '{"prompt": "say", "completion": "red", "label": "good"}' >bad-label.jsonl
expect_error 1 'where true or false must be' "$gradus" dpo kto.toml --run.dir=none '--dpo.data=["bad-label.jsonl"]'
expect_error 1 "did you mean 'dpo.desirable_weight'" "$gradus" dpo kto.toml --run.dir=none --set dpo.desirable=2
[ ! -e none ] || fail "a refused run left a folder"
expect_ok "$gradus" dpo kto.toml --run.dir=unused --train.steps=1 --dpo.nll=0.2
grep -q 'dpo.nll.* has no effect: dpo.loss is kto' err.txt || fail "a setting without effect is not named: $(cat err.txt)"

# ---- ranks -----------------------------------------------------------------------------------------------------------
source "$root/tests/tools/helpers/ranks.sh"
for mesh in dp tp; do
    expect_ok on_ranks 2 "$gradus" dpo kto.toml --run.dir=kto-$mesh --mesh.$mesh=2
    same_losses kto-$mesh kto 24 || fail "two ranks of $mesh differ: $(paste <(losses_of kto-$mesh) <(losses_of kto))"
done
echo passed
