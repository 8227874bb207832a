#!/usr/bin/env bash
# Misuse of sft, reward, dpo, ppo and grpo: three lines that say what to do, and nothing is lost.
source "$(dirname "$0")/helpers/check.sh"
source "$root/tests/tools/helpers/align.sh"
prepare_alignment
align_up_to reward

# stage NAME SETTING…: a run that must not begin.
stage() { "$gradus" "$1" "$1.toml" --run.dir=none "${@:2}"; }
refuses() { # refuses PATTERN STAGE SETTING…
    expect_error 1 "$1" stage "${@:2}"
    [ ! -e none ] || fail "a refused run left a folder: $(find none)"
}

# ---- templates ------------------------------------------------------------------------------------------------------
refuses '<|im_start|>' sft --sft.template=chatml
grep -q 'plain' err.txt || fail "the presets that work are not named: $(cat err.txt)"
refuses 'has no chat template' sft --sft.template=
grep -q 'fix: .*sft.template=plain' err.txt || fail "no template to type: $(cat err.txt)"
refuses 'chatmll' sft --sft.template=chatmll
refuses 'dpo.template=' dpo --model.from=base

# ---- data -----------------------------------------------------------------------------------------------------------
cat >order.jsonl <<'JSON'
{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
{"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}, {"role": "assistant", "content": "c"}]}
JSON
refuses "order.jsonl:2'" sft '--sft.data=["order.jsonl"]'
grep -q 'message 2 of 3 has the role user' err.txt || fail "the order is not explained: $(cat err.txt)"
! grep -q -- '--format' err.txt || fail "an option that this command does not have: $(cat err.txt)"
expect_ok "$gradus" sft sft.toml --run.dir=lenient '--sft.data=["order.jsonl"]' --sft.max_bad_lines=1 --train.steps=2
refuses 'demonstrations' dpo '--dpo.data=["demonstrations.jsonl"]'
grep -q 'preference pairs' err.txt || fail "what is needed is not said: $(cat err.txt)"
refuses 'there is no format' reward '--reward.data=["prompts.jsonl"]' --reward.format=nonsense
echo '{"text": "a text"}' >texts.jsonl
refuses 'gradus ppo needs' ppo '--ppo.prompts=["texts.jsonl"]'
refuses 'gradus sft needs' sft '--sft.data=["texts.jsonl"]'
refuses 'nowhere.jsonl' sft '--sft.data=["nowhere.jsonl"]'
: >empty.jsonl
for s in sft.data reward.data dpo.data ppo.prompts grpo.prompts; do
    refuses 'empty.jsonl' "${s%.*}" "--$s=[\"empty.jsonl\"]"
done
echo 'not json' >junk.jsonl
refuses 'junk.jsonl:1' reward '--reward.data=["junk.jsonl"]'
# Nothing can be learnt from it.
sed 's/"rejected": ".*"/"rejected": "same"/; s/"chosen": "[^"]*"/"chosen": "same"/' pairs.jsonl >equal.jsonl
refuses 'has no usable examples' dpo '--dpo.data=["equal.jsonl"]'
refuses 'has no usable examples' reward '--reward.data=["equal.jsonl"]'
echo '{"prompt": "a", "answers": ["b", "c"], "ranks": [1, 1]}' >ties.jsonl
refuses 'has no usable examples' reward '--reward.data=["ties.jsonl"]'
long=$(printf 'red %.0s' {1..60})
echo "{\"prompt\": \"say\", \"chosen\": \"$long\", \"rejected\": \"no\"}" >long.jsonl
refuses 'context' reward '--reward.data=["long.jsonl"]'
refuses 'context' dpo '--dpo.data=["long.jsonl"]'
echo "{\"prompt\": \"say\", \"completion\": \"$long\"}" >long.jsonl
refuses 'context' sft '--sft.data=["long.jsonl"]'
refuses 'fix: .*ppo.max_tokens=' ppo --ppo.max_tokens=48
refuses 'fix: .*grpo.max_tokens=' grpo --grpo.max_tokens=100
refuses 'no prompts' ppo '--ppo.prompts=[]'
refuses 'data.dir' sft --sft.pretrain_share=0.5
refuses 'data.dir' ppo --ppo.ptx_weight=1
expect_ok "$gradus" sft sft.toml --run.dir=mixed --sft.pretrain_share=0.5 --data.dir=prepared --train.steps=3
# Answers that do not fit are left out, and counted.
{ cat pairs.jsonl; echo "{\"prompt\": \"say\", \"chosen\": \"$long\", \"rejected\": \"no\"}"; } >some.jsonl
expect_ok "$gradus" dpo dpo.toml --run.dir=some '--dpo.data=["some.jsonl"]' --train.steps=2
grep -q '^note: left out: 1 example ' err.txt || fail "an answer that does not fit is not counted: $(cat err.txt)"
# A batch larger than the data.
head -3 pairs.jsonl >few.jsonl
expect_ok "$gradus" dpo dpo.toml --run.dir=few '--dpo.data=["few.jsonl"]' --train.steps=2
sed '/steps =/d' dpo.toml >epochs.toml
expect_ok "$gradus" dpo epochs.toml --run.dir=few-epochs '--dpo.data=["few.jsonl"]' --dpo.epochs=2 --train.micro_batch=0
[ "$(wc -l <few-epochs/log.jsonl)" -eq 2 ] || fail "two epochs of three pairs are not two steps: $(cat few-epochs/log.jsonl)"

# ---- models ---------------------------------------------------------------------------------------------------------
expect_error 1 'not a language model' "$gradus" generate reward --prompt a
expect_error 1 'not a language model' "$gradus" eval reward --text text.txt
expect_error 1 'not a language model' "$gradus" pretrain pretrain.toml --run.dir=none --model.from=reward
for s in sft dpo ppo grpo; do
    refuses 'not a language model' $s --model.from=reward
done
refuses 'is not a reward model' ppo --ppo.reward=sft
grep -q 'no tensor .score.weight' err.txt || fail "the reason is not said: $(cat err.txt)"
grep -q 'fix: .*gradus reward --model.from=' err.txt || fail "no way to a reward model: $(cat err.txt)"
refuses 'no such folder' ppo --ppo.reward=nowhere
refuses 'no such folder' sft --model.from=nowhere
expect_ok "$gradus" reward reward.toml --run.dir=further --model.from=reward --train.steps=2
# A reward model with another tokenizer.
sed 's/say/tell/; s/User/Users/' text.txt >other.txt
expect_ok "$gradus" tokenizer train other.txt --vocab-size 288 --out others
expect_ok "$gradus" data prepare other.txt --split tail --val-fraction 0.1 --tokenizer others --out others
expect_ok "$gradus" pretrain pretrain.toml --run.dir=other-base --data.dir=others --train.steps=1
expect_ok "$gradus" reward reward.toml --run.dir=other --model.from=other-base --reward.template=plain --train.steps=1
refuses 'has another tokenizer' ppo --ppo.reward=other
refuses 'has another tokenizer' grpo --grpo.exact=false --grpo.reward=other
refuses 'has another tokenizer' ppo --ppo.ptx_weight=1 --data.dir=others
refuses 'has another tokenizer' sft --sft.pretrain_share=0.5 --data.dir=others
# A reward model of another size.
expect_ok "$gradus" pretrain pretrain.toml --run.dir=wide-base --model.width=64 --train.steps=1
expect_ok "$gradus" reward reward.toml --run.dir=wide --model.from=wide-base --reward.template=plain --train.steps=1
refuses "not of the policy's architecture and size" ppo --ppo.reward=wide
grep -q 'width 64 instead of 32' err.txt || fail "the difference is not said: $(cat err.txt)"
# Scores that are no numbers: nothing is learnt from them.
mkdir broken
cp -rL reward/checkpoints/latest/. broken
rm -r broken/gradus
python=$(command -v python3 || true)
if [ "$python" ]; then
    cat >nan.py <<'PY'
import json, struct
data = bytearray(open('broken/model.safetensors', 'rb').read())
size = struct.unpack('<Q', data[:8])[0]
begin, end = json.loads(data[8:8 + size])['score.weight']['data_offsets']
data[8 + size + begin:8 + size + end] = struct.pack('<f', float('nan')) * ((end - begin) // 4)
open('broken/model.safetensors', 'wb').write(data)
PY
    "$python" nan.py
    expect_error 1 'not a finite number\|is -\?nan' "$gradus" ppo ppo.toml --run.dir=none --ppo.template=plain --ppo.reward=broken
    [ ! -e none ] || fail "a refused run left a folder"
    head -1 pairs.jsonl | sed 's/chosen/response/' >one.jsonl
    expect_error 1 'not a finite number' "$gradus" score broken one.jsonl --template plain
fi

# ---- settings -------------------------------------------------------------------------------------------------------
refuses "did you mean 'ppo.max_tokens'" ppo --set ppo.max_token=3
refuses "did you mean 'sft.epochs'" sft --set sft.epoch=3
refuses "did you mean 'dpo.beta'" dpo --set dpo.betta=3
expect_error 1 'dpo.beta' "$gradus" sft sft.toml --run.dir=none --set dpo.beta=3
refuses 'ppo.temperature' ppo --ppo.temperature=0
refuses 'there is no model to start from' sft --model.from=
refuses 'there is no reward' ppo --ppo.reward=
refuses 'there is no data to learn from' dpo '--dpo.data=[]'
for s in pretrain sft reward dpo ppo grpo; do
    expect_ok "$gradus" $s --help-settings
    grep -q 'optimizer.lr' out.txt || fail "$s --help-settings: $(cat out.txt)"
    [ $s = pretrain ] || grep -q "^ *$s\\." out.txt || fail "$s --help-settings lacks its own: $(cat out.txt)"
    expect_ok "$gradus" $s --help
    grep -q "Example: gradus $s" out.txt || fail "$s --help has no example: $(cat out.txt)"
done
expect_error 2 'RECIPE' "$gradus" sft

# ---- resume ---------------------------------------------------------------------------------------------------------
expect_ok "$gradus" dpo dpo.toml
expect_ok "$gradus" ppo ppo.toml --train.steps=3
before=$(find sft reward dpo ppo -type f ! -name .lock | sort | xargs md5sum | md5sum)
expect_error 1 'dpo.beta 0.1 → 0.5' "$gradus" dpo dpo.toml --dpo.beta=0.5
expect_error 1 'began with different data' "$gradus" dpo dpo.toml '--dpo.data=["few.jsonl"]'
expect_error 1 'began with different data' "$gradus" dpo dpo.toml --model.from=mixed
expect_error 1 'began with different data' "$gradus" sft sft.toml '--sft.data=["order.jsonl"]' --sft.max_bad_lines=1
expect_error 1 'began with different data' "$gradus" ppo ppo.toml --train.steps=3 --ppo.reward=further
expect_error 1 'ppo.clip' "$gradus" ppo ppo.toml --train.steps=3 --ppo.clip=0.1
expect_error 1 'a run of gradus dpo' "$gradus" ppo ppo.toml --run.dir=dpo
expect_error 1 'a run of gradus dpo' "$gradus" pretrain pretrain.toml --run.dir=dpo
expect_error 1 'a run of gradus sft' "$gradus" reward sft
expect_error 1 'already contains a run' "$gradus" dpo dpo.toml --resume never
[ "$(find sft reward dpo ppo -type f ! -name .lock | sort | xargs md5sum | md5sum)" = "$before" ] || fail "a refused run changed files"
echo passed
