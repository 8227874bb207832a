#!/usr/bin/env bash
# chat and stages on a model of seconds: messages through a pipe, the commands of a conversation, Ctrl-C, and a table of stages. Also
# tools/demonstrations.
source "$(dirname "$0")/helpers/check.sh"
source "$root/tests/tools/helpers/align.sh"
prepare_alignment
align_up_to reward
chat=("$gradus" chat sft -n 8)

# A line is a message, an answer is a line; the same seed gives the same answers.
printf 'say red 1\nsay blue 2\n' | "${chat[@]}" --temperature 0 >first.txt || fail "chat ended with $?"
[ "$(wc -l <first.txt)" -eq 2 ] || fail "two messages got: $(cat first.txt)"
[ "$(sed -n 1p first.txt)" = red ] || fail "the model learnt to say red, and says: $(sed -n 1p first.txt)"
printf 'say red 1\nsay blue 2\n' | "${chat[@]}" --temperature 0 | cmp - first.txt || fail "the same messages got other answers"

# /reset forgets: the next message is the first again. /retry answers the last message again, and /save appends what sft can read.
printf 'say red 1\n/reset\nsay red 1\n' | "${chat[@]}" --temperature 0 >out.txt
[ "$(uniq out.txt | wc -l)" -eq 1 ] || fail "after /reset: $(cat out.txt)"
printf 'say red 1\n/save talk.jsonl\n/retry\n/save talk.jsonl\n' | "${chat[@]}" --temperature 0 >out.txt
grep -q '^saved to talk.jsonl$' out.txt || fail "/save says: $(cat out.txt)"
[ "$(sort -u talk.jsonl | wc -l)" -eq 1 ] && [ "$(wc -l <talk.jsonl)" -eq 2 ] || fail "/retry and /save made: $(cat talk.jsonl)"
expect_ok "$gradus" sft --model.from=base --sft.template=plain --sft.data=talk.jsonl --check-data 2 --json
grep -q 'say red 1' out.txt || fail "sft does not read a saved conversation: $(cat out.txt)"
printf '/save\n/save no/such/folder.jsonl\n/resett\n/retry\n/exit\nsay red 1\n' | "${chat[@]}" >out.txt || fail "chat ended with $?"
grep -q 'needs the name of a file' out.txt || fail "/save without a name says: $(cat out.txt)"
grep -q 'did you mean /reset?' out.txt || fail "/resett says: $(cat out.txt)"
grep -q 'no message to answer' out.txt || fail "/retry at the start says: $(cat out.txt)"
! grep -q '^red' out.txt || fail "it answered after /exit: $(cat out.txt)"

# Longer than the context: the oldest messages are forgotten, and a message that cannot fit is refused; the conversation goes on.
for ((i = 0; i < 12; ++i)); do echo "say red $i"; done | "${chat[@]}" >out.txt || fail "a long conversation ended with $?"
printf '/system Be brief.\nsay red 1\n' | "${chat[@]}" >out.txt 2>err.txt || fail "a system message ended it: $(cat err.txt)"

# Ctrl-C stops an answer, not the program.
mkfifo lines
"$gradus" chat sft -n 8 <lines >out.txt 2>err.txt &
pid=$!
exec 5>lines
echo 'say red 1' >&5
for ((i = 0; i < 500; ++i)); do [ -s out.txt ] && break || sleep 0.02; done
kill -INT $pid
echo 'say blue 2' >&5
for ((i = 0; i < 500; ++i)); do grep -q . <(tail -n +2 out.txt) && break || sleep 0.02; done
exec 5>&-
wait $pid || fail "after Ctrl-C it ended with $?: $(cat err.txt)"

expect_error 1 'no chat template' "$gradus" chat base
expect_error 1 'reward or value model' "$gradus" chat reward

# The stages of a model: a table for people, a list for programs.
expect_ok "$gradus" stages pretrain=base sft=sft --template plain --prompts prompts.jsonl --count 8 --max-tokens 8 \
    --reward reward --reference sft --bits '{"sft": 1.25}' --out stages.json
for key in stage model utility ended kl bits_per_byte; do
    [ "$(grep -c "\"$key\":" stages.json)" -eq 2 ] || fail "stages.json lacks $key: $(cat stages.json)"
done
grep -q '"bits_per_byte": 1.25' stages.json && grep -q '"bits_per_byte": null' stages.json || fail "bits: $(cat stages.json)"
expect_ok "$gradus" stages pretrain=base --template plain --prompts prompts.jsonl --count 2 --max-tokens 8 --out alone.json
for key in kl score bits_per_byte; do
    grep -q "\"$key\": null" alone.json || fail "$key was not asked for: $(cat alone.json)"
done
expect_error 1 'reward or value model' "$gradus" stages sft=sft --prompts prompts.jsonl --count 2 --max-tokens 8 --reference reward
expect_error 1 'not a reward model' "$gradus" stages sft=sft --prompts prompts.jsonl --count 2 --max-tokens 8 --reward base
sed 's/say/tell/; s/User/Users/' text.txt >other.txt
expect_ok "$gradus" tokenizer train other.txt --vocab-size 288 --out others
expect_ok "$gradus" data prepare other.txt --split tail --val-fraction 0.1 --tokenizer others --out others
expect_ok "$gradus" pretrain pretrain.toml --run.dir=other --data.dir=others --train.steps=1
expect_error 1 'the reference has another tokenizer' "$gradus" stages sft=sft --template plain --prompts prompts.jsonl --count 2 \
    --max-tokens 8 --reference other
expect_error 1 'has no name' "$gradus" stages base --prompts prompts.jsonl
expect_error 1 '[-]-bits' "$gradus" stages sft=sft --prompts prompts.jsonl --bits nonsense

# Package descriptions as demonstrations: any text becomes valid JSON, a name comes once, of four answers one is as it should be.
printf 'Package: a"b\nDescription: says "hi" \\ tab\there\n more\n\nPackage: c\nDescription-en: see\n\nPackage: c\nDescription: again\n\nPackage: d\n\nPackage: e\nDescription: eat\n\nPackage: f\nDescription: fly\n' |
    "$root/tools/demonstrations" - >made.jsonl
[ "$(wc -l <made.jsonl)" -eq 4 ] || fail "demonstrations: $(cat made.jsonl)"
expect_ok "$gradus" sft --model.from=base --sft.template=plain --sft.val_share=0 --sft.data=made.jsonl --train.context=48 \
    --check-data 9 --json
grep -q '"What is c?"' made.jsonl && grep -q '"content":"see."' made.jsonl || fail "the second answer: $(sed -n 2p made.jsonl)"
grep -q '"content":"e: eat"' made.jsonl && grep -q '"content":"f: fly. It is fly."' made.jsonl || fail "answers: $(cat made.jsonl)"
echo passed
