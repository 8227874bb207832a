#!/usr/bin/env bash
# gradus score, and what gradus grpo judges answers by: a reward model, a program in any language, comparisons.
source "$(dirname "$0")/helpers/check.sh"
source "$root/tests/tools/helpers/align.sh"
prepare_alignment
align_up_to reward

# ---- score ----------------------------------------------------------------------------------------------------------
sed 's/"chosen"/"response"/; s/, "rejected.*/, "id": 1}/' pairs.jsonl >good.jsonl
sed 's/"chosen.*"rejected"/"completion"/' pairs.jsonl >bad.jsonl
scores_of() { sed 's/.*"score":\([-0-9.e+]*\).*/\1/' "$1"; }
for kind in good bad; do
    expect_ok "$gradus" score reward $kind.jsonl
    [ "$(wc -l <out.txt)" -eq 96 ] || fail "96 lines become $(wc -l <out.txt): $(cat out.txt)"
    cp out.txt $kind.txt
done
grep -q '"id":1' good.txt || fail "what else is in a line is lost: $(head -1 good.txt)"
paste <(scores_of good.txt) <(scores_of bad.txt) | awk '$1 > $2 { ++n } END { exit !(n >= 90) }' || fail "bad answers have better scores"
# The best answers of the validation data have a mean of 0, so that of all good ones is near it.
paste <(scores_of good.txt) <(scores_of bad.txt) |
    awk '{ g += $1; b += $2 } END { exit !((g / NR) ^ 2 < ((g - b) / NR) ^ 2 / 16) }' || fail "the mean was not subtracted"
# From a pipe, to a file, compressed, and as a conversation: the same numbers. Other batches round otherwise.
same_scores() {
    paste <(scores_of good.txt) <(scores_of "$1") | awk 'NF != 2 || !(($1 - $2) ^ 2 < 1e-8) { exit 1 }' || fail "other scores: $1"
}
"$gradus" score reward <good.jsonl >piped.txt || fail "standard input cannot be read"
same_scores piped.txt
gzip -c good.jsonl >good.jsonl.gz
expect_ok "$gradus" score reward good.jsonl.gz --out scored.jsonl
same_scores scored.jsonl
[ ! -s out.txt ] || fail "it also printed: $(cat out.txt)"
sed 's/"prompt": \("[^"]*"\), "response": \("[^"]*"\)/"messages": [{"role": "user", "content": \1}, {"role": "assistant", "content": \2}]/' good.jsonl >chats.jsonl
expect_ok "$gradus" score reward chats.jsonl
same_scores out.txt
sed 's/"prompt": \("[^"]*"\)/"messages": [{"role": "user", "content": \1}]/' good.jsonl >asked.jsonl
expect_ok "$gradus" score reward asked.jsonl
same_scores out.txt
expect_ok "$gradus" score reward good.jsonl --dtype bf16 --threads 1
paste <(scores_of good.txt) <(scores_of out.txt) | awk 'NF != 2 || !(($1 - $2) ^ 2 < 0.25) { exit 1 }' || fail "bf16 is far away"
# An answer that does not fit; lines before a bad one are written.
{ head -1 good.jsonl; echo "{\"prompt\": \"say\", \"response\": \"$(printf 'red %.0s' {1..60})\"}"; } >long.jsonl
expect_ok "$gradus" score reward long.jsonl
grep -q '"score":null' out.txt && grep -q '^note: 1 of 2 answers' err.txt || fail "an answer that is too long: $(cat out.txt err.txt)"
{ head -2 good.jsonl; echo '{"prompt": "say red"}'; } >none.jsonl
expect_error 1 "none.jsonl:3'" "$gradus" score reward none.jsonl
[ "$(wc -l <out.txt)" -eq 2 ] || fail "the lines before the bad one are lost: $(cat out.txt)"
expect_error 1 "none.jsonl:3'" "$gradus" score reward none.jsonl --out kept.txt
[ ! -e kept.txt ] || fail "a part of a file is left"
for line in '{"prompt": 5, "response": "a"}' '{"response": "a"}' 'no json' '{"prompt": "a", "response": 5}' '"text"' \
    '{"messages": [{"role": "assistant", "content": "a"}], "response": "b"}'; do
    echo "$line" >wrong.jsonl
    expect_error 1 "wrong.jsonl" "$gradus" score reward wrong.jsonl
done
: >empty.jsonl
expect_ok "$gradus" score reward empty.jsonl
[ ! -s out.txt ] || fail "nothing becomes: $(cat out.txt)"
expect_error 1 'gradus reward --model.from=' "$gradus" score sft good.jsonl
grep -q 'is not a reward model' err.txt || fail "a language model as reward model: $(cat err.txt)"
expect_error 1 'no such folder' "$gradus" score nowhere good.jsonl
expect_error 1 'nowhere.jsonl' "$gradus" score reward nowhere.jsonl

# ---- grpo -----------------------------------------------------------------------------------------------------------
grpo=("$gradus" grpo grpo.toml --train.steps=4 --run.dir)
expect_ok "${grpo[@]}"=by_model --grpo.exact=false --grpo.reward=reward
[ "$(values_of by_model score | wc -l)" -eq 4 ] || fail "there are not 4 iterations: $(cat by_model/log.jsonl)"
grep -q '"score":-\?[0-9]' by_model/samples.jsonl || fail "no samples: $(cat by_model/samples.jsonl)"

# Built in: the reference, and an expression. The model has learnt to say the colour, so that some answers are right.
expect_ok "${grpo[@]}"=by_reference
values_of by_reference score | awk '$1 < 0 || $1 > 1 { exit 1 } { s += $1 } END { exit !(s > 0) }' || fail "scores are no shares: $(values_of by_reference score)"
expect_ok "${grpo[@]}"=by_pattern --grpo.exact=false '--grpo.pattern=^ ?(red|blue|green|white|black|grey|brown|pink)$'
values_of by_pattern score | awk '$1 < 0 || $1 > 1 { exit 1 } { s += $1 } END { exit !(s > 0) }' || fail "scores are no shares: $(values_of by_pattern score)"
# What an expression's group takes from answer and reference is compared.
expect_ok "${grpo[@]}"=by_both '--grpo.pattern=([a-z]+)$'
paste <(values_of by_reference score) <(values_of by_both score) | head -1 | awk '!($2 >= $1) { exit 1 }' || fail "fewer are right: $(values_of by_both score)"

# A program: it is started once, sees prompt, response and reference, and null is no judgement.
cat >judge.sh <<'SH'
echo started >>starts
n=0
while read -r line; do
    echo "$line" >>seen
    n=$((n + 1))
    if [ $((n % 4)) -eq 1 ]; then echo '{"score": null}'; else echo "{\"score\": $((n % 4)), \"why\": \"so\"}"; fi
done
echo ended >>starts
SH
by_program=("${grpo[@]}=by_program" --grpo.exact=false --grpo.reward_command)
expect_ok "${by_program[@]}"='bash judge.sh'
[ "$(cat starts | tr '\n' ' ')" = 'started ended ' ] || fail "the program was not started and ended once: $(cat starts)"
[ "$(wc -l <seen)" -eq 32 ] || fail "it saw $(wc -l <seen) answers instead of 32"
grep -q '^{"prompt":"say [a-z]* [0-9]*","response":".*","reference":"[a-z]*"}$' seen || fail "it saw: $(head -2 seen)"
values_of by_program unscored | awk '$1 != 0.25 { exit 1 }' || fail "a quarter has no score: $(values_of by_program unscored)"
grep -q '"score":null' by_program/samples.jsonl || fail "samples: $(cat by_program/samples.jsonl)"
! grep -q '"score":null' by_program/log.jsonl || fail "log: $(cat by_program/log.jsonl)"

# A program that fails: three lines, and the steps before it are not lost. Afterwards the run is the undisturbed one.
rm -r by_program
expect_ok "${by_program[@]}"='bash judge.sh'
steps_of by_program >whole.jsonl
rm -r by_program
fails() { # fails PATTERN COMMAND [SECONDS]: after two iterations of 8 answers
    rm -rf by_program
    expect_error 1 "$1" "${by_program[@]}=$2" --grpo.reward_seconds="${3:-60}"
    [ -d by_program/checkpoints/step-00000002 ] || fail "two steps are lost: $(ls by_program/checkpoints)"
    expect_ok "${by_program[@]}"='bash judge.sh'
    steps_of by_program | cmp - whole.jsonl || fail "after '$1' the run differs"
}
fails 'wrote 3 of 8 scores' 'sed -u 19q | bash judge.sh; exit 3'
cat >killed.sh <<'SH'
sed -u 16q | bash judge.sh
kill -9 $$
SH
fails 'signal 9 ended it' 'exec bash killed.sh'
replies() { echo "(sed -u 16q | bash judge.sh; sed -u 's/.*/$1/')"; }  # to the third iteration
fails "line 1: 'good'" "$(replies good)"
fails 'line 1:.*NaN' "$(replies '{"score": NaN}')"
fails 'line 1:.*"better"' "$(replies '{"score": "better"}')"
nine='' # lines for one answer, of eight: in one piece, whatever else the machine does
for i in 1 2 3 4 5 6 7 8 9; do nine+='{"score": '$i'}\n'; done
fails 'more than it is asked for' "$(replies "${nine%??}")"
fails 'wrote 0 of 8 scores in 2 s' '(sed -u 16q | bash judge.sh; sleep 100)' 2
for pid in $(pgrep -x sleep); do
    [ "$(readlink "/proc/$pid/cwd")" != "$work" ] || fail "a program was left running"
done
expect_error 1 'exit status 127' "${by_program[@]}"='no-such-program 2>&-' --run.dir=none
expect_error 1 'no answer of this iteration has a score' "${by_program[@]}"="while read -r x; do echo '{\"score\": null}'; done" --run.dir=none

# Settings that cannot be.
expect_error 1 'there is no reward' "${grpo[@]}"=none --grpo.exact=false
expect_error 1 'there is more than one reward' "${grpo[@]}"=none --grpo.reward=reward
expect_error 1 'grpo.batch=12' "${grpo[@]}"=none --grpo.batch=10
expect_error 1 "expression '(a' cannot be understood" "${grpo[@]}"=none --grpo.exact=false '--grpo.pattern=(a'
sed 's/, "answer".*/}/' prompts.jsonl >without.jsonl
expect_error 1 'no prompt has a reference' "${grpo[@]}"=none '--grpo.prompts=["without.jsonl"]'
expect_error 1 'is not a reward model' "${grpo[@]}"=none --grpo.exact=false --grpo.reward=sft
echo passed
