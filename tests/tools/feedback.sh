#!/usr/bin/env bash
# gradus judge and gradus revise: labels of a model that has learnt to compare, what reward and dpo make of them, revisions, and
# what is left after kills.
source "$(dirname "$0")/helpers/check.sh"
source "$root/tests/tools/helpers/align.sh"
unset OPENAI_API_KEY
prepare_alignment
align_up_to sft
prepare_judge
judge=("$gradus" judge judge --principles principles.txt --wording wording.toml)
revise=("$gradus" revise sft --principles principles.txt --wording wording.toml --max-tokens 4 --rounds 2)
lines() { wc -l <"$1"; }
# chosen, rejected and probability of each line
labels_of() { sed 's/.*"chosen":"\([^"]*\)","rejected":"\([^"]*\)","probability":\([0-9.e-]*\),.*/\1\t\2\t\3/' "$1"; }

# ---- judge ----------------------------------------------------------------------------------------------------------
expect_ok "${judge[@]}" --answers pairs.jsonl --out labels.jsonl
[ "$(lines labels.jsonl)" -eq 96 ] || fail "96 pairs become $(lines labels.jsonl) lines"
cp labels.jsonl whole.jsonl
for pattern in '^judged   96 pairs' '^position 0.5' '^labels   entropy 0' '^ranking  the judge agrees' '^done: gradus reward'; do
    grep -q "$pattern" out.txt || fail "the report lacks '$pattern': $(cat out.txt)"
done
labels_of labels.jsonl | awk -F'\t' '!($3 >= 0.5 && $3 <= 1) { exit 1 } $2 ~ /^no/ && $3 > 0.9 { ++n } END { exit !(n >= 80) }' ||
    fail "the judge has not learnt to compare: $(labels_of labels.jsonl | head)"
# All is done: the same report, the same file, and the judge is not needed.
mv judge away
expect_ok "${judge[@]}" --answers pairs.jsonl --out labels.jsonl --json
mv away judge
cmp labels.jsonl whole.jsonl || fail "a complete file was changed"
for key in pairs left_out agreement_of_orders position position_standard_error entropy ties bounds ranked_pairs agreement_with_ranking \
    agreement_with_ranking_low agreement_with_ranking_high; do
    grep -q "\"$key\":[0-9]" out.txt || fail "the statistics have no $key: $(cat out.txt)"
done
# Answers in the other order, without what people said of them: the same labels.
sed 's/"chosen": \("[^"]*"\), "rejected": \("[^"]*"\)/"answers": [\2, \1]/' pairs.jsonl >answers.jsonl
expect_ok "${judge[@]}" --answers answers.jsonl --out other.jsonl
! grep -q '^ranking' out.txt || fail "agreement with a ranking that is not there: $(cat out.txt)"
paste <(labels_of labels.jsonl) <(labels_of other.jsonl) |
    awk -F'\t' '$1 != $4 || $2 != $5 || !(($3 - $6) ^ 2 < 1e-10) { exit 1 }' || fail "the order of the answers changes labels"
# Of pairs that it has not learnt from too it says what people said.
expect_ok "${judge[@]}" --answers held.jsonl --out held-labels.jsonl --json
awk -v x="$(sed 's/.*"agreement_with_ranking":\([0-9.]*\).*/\1/' out.txt)" 'BEGIN { exit !(x > 0.9) }' || fail "the judge only knows its examples: $(cat out.txt)"
# A judge that knows nothing says little.
expect_ok "$gradus" judge sft --principles principles.txt --wording wording.toml --answers pairs.jsonl --out unsure.jsonl
labels_of unsure.jsonl | awk -F'\t' '{ s += $3 } END { exit !(s / NR < 0.6) }' || fail "a model that has not learnt to compare is sure"
# Answers of a policy, three to each prompt.
expect_ok "${judge[@]}" --policy sft --prompts prompts.jsonl --samples 3 --max-tokens 4 --out sampled.jsonl
[ "$(lines sampled.answers.jsonl)" -eq 96 ] && [ "$(lines sampled.jsonl)" -gt 96 ] || fail "answers of a policy: $(cat out.txt err.txt)"

# ---- soft labels are learnt -----------------------------------------------------------------------------------------
sed 's/}$/, "probability": 0.75}/' pairs.jsonl >soft.jsonl
sed 's/}$/, "probability": 0.25}/; s/"chosen": \("[^"]*"\), "rejected": \("[^"]*"\)/"chosen": \2, "rejected": \1/' pairs.jsonl >soft-exchanged.jsonl
sed 's/}$/, "probability": 0}/' pairs.jsonl >false.jsonl
for kind in pairs soft soft-exchanged false; do
    expect_ok "$gradus" reward reward.toml --run.dir=reward-$kind "--reward.data=[\"$kind.jsonl\"]" --checkpoint.every=0
    expect_ok "$gradus" dpo dpo.toml --run.dir=dpo-$kind "--dpo.data=[\"$kind.jsonl\"]" --checkpoint.every=0
done
first_of() { values_of "$1" "$2" | head -1; }
last_of() { values_of "$1" "$2" | tail -1; }
near() { awk -v a="$1" -v b="$2" 'BEGIN { exit !((a - b) ^ 2 <= 1e-8 * (a ^ 2 + b ^ 2)) }'; }
# Before the first update: p of the loss of the labels, and 1 − p of that of the opposite ones.
near "$(first_of reward-soft loss)" "$(awk -v a="$(first_of reward-pairs loss)" -v b="$(first_of reward-false loss)" 'BEGIN { printf "%.17g", 0.75 * a + 0.25 * b }')" ||
    fail "the loss of soft labels: $(first_of reward-pairs loss) $(first_of reward-soft loss) $(first_of reward-false loss)"
# DPO begins where both answers are equally good: the gradient is 2p − 1 of that of certain labels.
near "$(first_of dpo-soft grad_norm)" "$(awk -v a="$(first_of dpo-pairs grad_norm)" 'BEGIN { printf "%.17g", 0.5 * a }')" ||
    fail "the gradient of soft labels: $(first_of dpo-pairs grad_norm) $(first_of dpo-soft grad_norm)"
# Which answer is called chosen does not matter.
for stage in reward dpo; do
    cmp <(steps_of $stage-soft) <(steps_of $stage-soft-exchanged) || fail "$stage learns other things from exchanged answers"
done
# What a reward model learns are the labels: its loss ends at their entropy, and the margins at log 3.
awk -v x="$(last_of reward-soft val_loss)" 'BEGIN { exit !(x > 0.562 && x < 0.62) }' || fail "soft labels were not learnt: $(last_of reward-soft val_loss)"
awk -v x="$(last_of reward-pairs val_loss)" 'BEGIN { exit !(x < 0.1) }' || fail "labels were not learnt: $(last_of reward-pairs val_loss)"
expect_ok "$gradus" reward reward.toml --run.dir=judged '--reward.data=["labels.jsonl"]' --checkpoint.every=0
awk -v x="$(last_of judged val_accuracy)" 'BEGIN { exit !(x > 0.9) }' || fail "the judge's labels were not learnt: $(cat judged/log.jsonl)"
sed 's/}$/, "probability": 1.5}/' pairs.jsonl >wrong.jsonl
expect_error 1 "wrong.jsonl:1'" "$gradus" dpo dpo.toml --run.dir=none '--dpo.data=["wrong.jsonl"]'

# ---- revise ---------------------------------------------------------------------------------------------------------
expect_ok "${revise[@]}" --prompts prompts.jsonl --out revised.jsonl
grep -q '^revised  9[0-9] answers in 2 rounds' out.txt || fail "revise: $(cat out.txt)"
[ "$(grep -c '"answers":\["[^]]*"\],"critiques":\["[^]]*"\],"principles":\[{"critique":' revised.jsonl)" -eq "$(lines revised.jsonl)" ] ||
    fail "the record is incomplete: $(head -2 revised.jsonl)"
expect_ok "$gradus" sft sft.toml --run.dir=revised '--sft.data=["revised.jsonl"]' --train.steps=3
grep -q 'revised.jsonl. (prompt-completion)' out.txt || fail "sft does not read revisions: $(cat out.txt)"
expect_ok "${judge[@]}" --answers revised.jsonl --out of-revised.jsonl
expect_ok "${revise[@]}" --prompts prompts.jsonl --judge judge --judge-template plain --out by-other.jsonl
! cmp -s <(sed 's/"made_by".*//' revised.jsonl) <(sed 's/"made_by".*//' by-other.jsonl) || fail "another judge writes the same"
cmp <(sed 's/.*"answers":\["\([^"]*\)".*/\1/' revised.jsonl) <(sed 's/.*"answers":\["\([^"]*\)".*/\1/' by-other.jsonl) ||
    fail "the first answers are not those of the model"
# The included principles and the usual wording need a longer context than this model's.
expect_error 1 'no prompt can be revised' "$gradus" revise sft --prompts prompts.jsonl --out none.jsonl --max-tokens 4
expect_error 1 'no pair of answers can be judged' "$gradus" judge sft --answers pairs.jsonl --out none.jsonl
[ ! -e none.jsonl ] || fail "a file without lines is left"

# ---- kills ----------------------------------------------------------------------------------------------------------
# killed_and_resumed WHOLE COMMAND…: ends as the whole file after a kill at the first lines, and from any part of it.
killed_and_resumed() {
    local whole=$1 file=killed-$1 part pid
    shift
    "$@" --out "$file" >out.txt 2>err.txt </dev/null &
    pid=$!
    until [ -s "$file" ] || ! kill -0 $pid 2>/dev/null; do :; done
    kill -9 $pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
    for part in 0 1 2 3; do
        [ $part -eq 0 ] || head -c $(($(wc -c <"$whole") * part / 4)) "$whole" >"$file"
        expect_ok "$@" --out "$file"
        cmp "$whole" "$file" || fail "$whole after an interruption differs: $(diff "$whole" "$file" | head -4)"
    done
}
killed_and_resumed labels.jsonl "${judge[@]}" --answers pairs.jsonl
killed_and_resumed revised.jsonl "${revise[@]}" --prompts prompts.jsonl

# ---- misuse ---------------------------------------------------------------------------------------------------------
refuses() { expect_error 1 "$1" "${judge[@]}" --answers pairs.jsonl "${@:2}"; }
reads() { expect_error 1 "$1" "$gradus" judge judge --answers pairs.jsonl --out none.jsonl "${@:2}"; }
refuses 'seed was 1, and is now 2' --out labels.jsonl --seed 2
grep -q 'fix: .*--out' err.txt || fail "no way out: $(cat err.txt)"
expect_error 1 'inputs was' "${judge[@]}" --answers answers.jsonl --out labels.jsonl
refuses "is not of this command" --out pairs.jsonl
cmp labels.jsonl whole.jsonl || fail "a refused command changed the file"
printf 'kind\n| brief\n' >bad.txt
reads "bad.txt:2'" --principles bad.txt
reads 'no principle to compare' --principles <(echo 'critique | revision')
printf 'judge = "{answer_a} or {answer_b}"\n' >bad.toml
reads 'lacks {principle}' --wording bad.toml
expect_error 1 "no such folder" "$gradus" judge nowhere --answers pairs.jsonl --out none.jsonl
expect_error 1 'has no chat template' "$gradus" judge base --answers pairs.jsonl --out none.jsonl
expect_error 1 'cannot be reached' env OPENAI_API_KEY=secret-of-the-user "$gradus" judge http://127.0.0.1:1/v1 --answers pairs.jsonl --out none.jsonl
! grep -q secret err.txt || fail "the key is shown: $(cat err.txt)"
expect_error 1 'is not the address of a server' "$gradus" judge ftp://host --answers pairs.jsonl --out none.jsonl
expect_error 1 'leave no room for a prompt' "$gradus" revise sft --prompts prompts.jsonl --out none.jsonl --max-tokens 48
echo "{\"text\": \"a text\"}" >texts.jsonl
expect_error 1 "gradus revise needs" "$gradus" revise sft --prompts texts.jsonl --out none.jsonl
expect_error 2 'neither --answers nor --policy' "$gradus" judge judge --out none.jsonl
expect_error 2 'both given' "$gradus" judge judge --answers pairs.jsonl --policy sft --prompts prompts.jsonl --out none.jsonl
expect_error 2 'needs --policy' "$gradus" judge judge --answers pairs.jsonl --prompts prompts.jsonl --out none.jsonl
expect_error 2 'no prompts to answer' "$gradus" judge judge --policy sft --out none.jsonl
expect_error 2 'endpoint' "$gradus" judge judge --answers pairs.jsonl --out none.jsonl --endpoint chats
expect_error 2 'clamp' "$gradus" judge judge --answers pairs.jsonl --out none.jsonl --clamp 0.4
[ ! -e none.jsonl ] || fail "a refused command left a file: $(cat none.jsonl)"
echo passed
