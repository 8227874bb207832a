#!/usr/bin/env bash
# gradus best: it keeps the best answers as demonstrations, in a file that is complete or absent.
source "$(dirname "$0")/helpers/check.sh"
source "$root/tests/tools/helpers/align.sh"
prepare_alignment
align_up_to reward
head -24 prompts.jsonl >some.jsonl
prompts=some.jsonl
best() { "$gradus" best sft --prompts "$prompts" --max-tokens 8 "$@"; }
refuses() { # refuses STATUS PATTERN OPTION…
    expect_error "$1" "$2" best --out none.jsonl "${@:3}"
    [ -z "$(ls | grep none.jsonl)" ] || fail "a refused command left $(ls)"
}
# The value of a key of each line of a file; of a JSON object on one line.
values() { sed -n "s/.*\"$2\":\\([-0-9.e+]*\\).*/\\1/p" "$1"; }

# ---- a reward model ---------------------------------------------------------------------------------------------------
expect_ok best --reward reward --n 8 --out best.jsonl
[ "$(wc -l <best.jsonl)" -eq 24 ] || fail "not one line for each prompt: $(cat best.jsonl out.txt)"
head -1 best.jsonl | grep -q '^{"messages":\[{"role":"user","content":"say [a-z]* 0"},{"role":"assistant","content":"[^"]*"}\],"score":[-0-9.e]*,"n":[1-8],"mean_score":[-0-9.e]*}$' ||
    fail "the form of a line: $(head -1 best.jsonl)"
awk '!($1 >= $2) { exit 1 }' <(paste <(values best.jsonl score) <(values best.jsonl mean_score)) || fail "the best is below the mean"
grep -q '^answers  192 to 24 prompts, ' out.txt || fail "no summary: $(cat out.txt)"
grep -q '^done: gradus sft --sft.data=best.jsonl' out.txt || fail "it does not say how to go on: $(cat out.txt)"
sed -n '/^ *k /,/^$/p' out.txt | awk 'NR == 1 { next } NF == 5 { if (NR > 2 && !($2 >= last)) bad = 1; last = $2; ks = ks " " $1 } END { exit bad || ks != " 1 2 4 8" }' ||
    fail "the curve does not rise over 1, 2, 4, 8: $(cat out.txt)"
# The scores are those of gradus score.
expect_ok "$gradus" score reward best.jsonl
paste <(values best.jsonl score) <(values out.txt score) | awk '{ d = $1 - $2 } !(d * d < 1e-8) { exit 1 } END { exit NR != 24 }' ||
    fail "gradus score gives $(paste <(values best.jsonl score) <(values out.txt score))"
# gradus sft reads it, and several rounds together.
expect_ok "$gradus" sft sft.toml --run.dir=round '--sft.data=["best.jsonl", "best.jsonl@0.5"]' --model.from=sft --train.steps=2
[ "$(grep -c '^examples 24 demonstrations' out.txt)" -eq 2 ] || fail "the demonstrations are not read: $(cat out.txt)"
# The same answers again, whatever else is asked; other answers with another seed.
expect_ok best --reward reward --n 8 --out again.jsonl --at-once 3
cmp best.jsonl again.jsonl || fail "the same command gives other answers"
tac some.jsonl | head -5 >few.jsonl
prompts=few.jsonl expect_ok best --reward reward --n 8 --out few-best.jsonl
cmp <(sort few-best.jsonl) <(tail -5 best.jsonl | sort) || fail "answers depend on the other prompts"
expect_ok best --reward reward --n 8 --seed 2 --out other.jsonl
! cmp -s best.jsonl other.jsonl || fail "the seed has no effect"
expect_ok best --reward reward --n 1 --count 3 --temperature 0 --out greedy.jsonl
[ "$(wc -l <greedy.jsonl)" -eq 3 ] || fail "--count 3: $(cat greedy.jsonl)"

# ---- JSON, several answers, a least score -----------------------------------------------------------------------------
expect_ok best --reward reward --n 6 --keep 3 --json --out three.jsonl
[ "$(wc -l <out.txt)" -eq 1 ] || fail "more than an object: $(cat out.txt)"
[ "$(values out.txt kept)" -eq "$(wc -l <three.jsonl)" ] && [ "$(wc -l <three.jsonl)" -gt 24 ] || fail "--keep 3: $(cat out.txt)"
grep -q '"curve":\[{"k":1,.*{"k":2,.*{"k":4,.*{"k":6,"score":.*"standard_error":.*"kl":.*"prompts":' out.txt || fail "$(cat out.txt)"
least=$(values best.jsonl score | sort -g | sed -n 13p)
expect_ok best --reward reward --n 8 --min-score "$least" --out least.jsonl
cmp least.jsonl <(awk -v least="$least" 'match($0, /"score":[-0-9.e+]*/) && substr($0, RSTART + 8, RLENGTH - 8) + 0 >= least + 0' best.jsonl) ||
    fail "--min-score keeps others: $(cat least.jsonl)"
grep -q '^kept .* left out: 12 prompts whose best answer scores too low' out.txt || fail "they are not counted: $(cat out.txt)"
expect_error 1 'no answer is good enough' best --reward reward --n 2 --min-score 1e6 --out none.jsonl --json
grep -q '"below_min_score":24' out.txt || fail "the counts are not shown: $(cat out.txt)"
[ ! -e none.jsonl ] || fail "an empty file of demonstrations"

# ---- programs and comparisons -----------------------------------------------------------------------------------------
expect_ok best --exact --n 4 --out exact.jsonl --min-score 1
awk '!/"score":1/ { exit 1 }' exact.jsonl || fail "--exact keeps wrong answers: $(cat exact.jsonl)"
expect_ok best --pattern '^(red|blue)$' --n 4 --out colours.jsonl --min-score 1
! grep -v '"content":"\(red\|blue\)"}\],"score":1' colours.jsonl || fail "--pattern keeps other answers: $(cat colours.jsonl)"
cat >judge.sh <<'SH'
while read -r line; do
    case $line in *'"prompt":"say'*'"response":"'*'"reference":"re'*) echo '{"score": null}' ;; *) echo "{\"score\": -${#line}}" ;; esac
done
SH
expect_ok best --reward-command 'bash judge.sh' --n 4 --out judged.jsonl
! grep -q '"content":"say red' judged.jsonl || fail "an answer without a score is kept: $(cat judged.jsonl)"
grep -q '^unscored ' out.txt || fail "unscored answers are not counted: $(cat out.txt)"
# Answers that do not end.
expect_error 1 'no answer is good enough' "$gradus" best sft --prompts some.jsonl --exact --n 2 --max-tokens 1 --out none.jsonl
expect_ok "$gradus" best sft --prompts some.jsonl --exact --n 2 --max-tokens 1 --keep-unfinished --out unfinished.jsonl
grep -q ' 0.0[0-9]* of them ended' out.txt || fail "answers of one token ended: $(cat out.txt)"
# Prompts that occur twice, and conversations.
{ head -2 some.jsonl; head -1 some.jsonl; echo '{"messages": [{"role": "user", "content": "say red"}, {"role": "assistant", "content": "red"}, {"role": "user", "content": "say blue"}]}'; } >mixed.jsonl
sed 's/"prompt": \("[^"]*"\).*/"messages": [{"role": "user", "content": \1}]}/' mixed.jsonl >conversations.jsonl
prompts=conversations.jsonl expect_ok best --reward reward --n 2 --out turns.jsonl
grep -q '^note: left out: 1 prompt that occurred before' err.txt || fail "$(cat err.txt)"
[ "$(wc -l <turns.jsonl)" -eq 3 ] || fail "$(cat turns.jsonl)"
expect_ok "$gradus" sft sft.toml --run.dir=turns --sft.data=turns.jsonl --sft.val_share=0 --train.steps=1

# ---- misuse -----------------------------------------------------------------------------------------------------------
cp best.jsonl before.jsonl
expect_error 1 "'best.jsonl' exists" best --reward reward --out best.jsonl
cmp best.jsonl before.jsonl || fail "the file was replaced"
refuses 2 'nothing scores the answers' --n 2
refuses 2 'more than one scorer' --reward reward --exact
refuses 2 'is not a whole number from 1' --reward reward --n 0
refuses 2 'larger than --n' --reward reward --n 2 --keep 3
refuses 1 'temperature' --reward reward --temperature -1
refuses 1 'fix:   --pattern EXPRESSION' --pattern '(a'
refuses 1 'is not a reward model' --reward sft
refuses 1 'no such folder' --reward nowhere
expect_error 1 'leave no room for a prompt' "$gradus" best sft --prompts some.jsonl --reward reward --max-tokens 48 --out none.jsonl
: >empty.jsonl
prompts=empty.jsonl expect_error 1 'has no examples' best --reward reward --out none.jsonl
prompts=conversations.jsonl expect_error 1 'no prompt has a reference' best --exact --out none.jsonl
refuses 1 'wrote 0 of 48 scores' --reward-command false --n 2
expect_error 1 'nowhere' best --reward reward --out nowhere/none.jsonl
expect_error 1 'not a language model' "$gradus" best reward --reward reward --prompts some.jsonl --out none.jsonl
expect_error 2 '--prompts is required' "$gradus" best sft --reward reward --out none.jsonl
expect_error 2 "did you mean 'best'" "$gradus" best-of-n sft
# A reward model with another tokenizer, and one whose weights are not numbers.
sed 's/say/tell/; s/User/Users/' text.txt >other.txt
expect_ok "$gradus" tokenizer train other.txt --vocab-size 288 --out others
expect_ok "$gradus" data prepare other.txt --split tail --val-fraction 0.1 --tokenizer others --out others
expect_ok "$gradus" pretrain pretrain.toml --run.dir=other-base --data.dir=others --train.steps=1
expect_ok "$gradus" reward reward.toml --run.dir=other --model.from=other-base --reward.template=plain --train.steps=1
refuses 1 'has another tokenizer' --reward other
if command -v python3 >/dev/null; then
    cp -rL reward/checkpoints/latest broken
    rm -r broken/gradus
    python3 - <<'PY'
import json, struct
data = bytearray(open('broken/model.safetensors', 'rb').read())
size = struct.unpack('<Q', data[:8])[0]
begin, end = json.loads(data[8:8 + size])['score.weight']['data_offsets']
data[8 + size + begin:8 + size + end] = struct.pack('<f', float('nan')) * ((end - begin) // 4)
open('broken/model.safetensors', 'wb').write(data)
PY
    refuses 1 'not a finite number' --reward broken
fi
# Completion knows the command and its options.
"$gradus" __complete be | grep -qx best || fail "best is not completed"
"$gradus" __complete best --reward-c | grep -qx -- --reward-command || fail "its options are not completed"
expect_ok "$gradus" --help
grep -q '^  best ' out.txt || fail "gradus --help lacks it: $(cat out.txt)"

# ---- several ranks are refused ----------------------------------------------------------------------------------------
source "$root/tests/tools/helpers/ranks.sh"
expect_rank_error 'gradus best runs as one process' 2 "$gradus" best sft --reward reward --prompts some.jsonl --out none.jsonl
[ ! -e none.jsonl ] || fail "a refused command left a file"
echo passed
