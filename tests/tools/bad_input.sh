#!/usr/bin/env bash
# Invalid command lines, recipes and folders: three lines say what to do, and the exit status says what kind of error it was.
source "$(dirname "$0")/helpers/check.sh"

expect_ok "$gradus" --version
grep -q '^gradus [0-9]' out.txt || fail "--version prints: $(cat out.txt)"
for command in data tokenizer pretrain eval generate convert plan report bench; do
    expect_ok "$gradus" $command --help
    [ -s out.txt ] || fail "$command --help prints nothing"
done
expect_ok "$gradus" pretrain --help-settings
grep -q 'train.micro_batch = 0' out.txt || fail "--help-settings lacks train.micro_batch"

# The command line: status 2.
expect_error 2 'gradus --help' "$gradus"
expect_error 2 "did you mean 'pretrain'?" "$gradus" pretrian
expect_error 2 'data --help' "$gradus" data prepaer
expect_error 2 "did you mean '--max-tokens'?" "$gradus" generate here --max-token 5
expect_error 2 'RECIPE' "$gradus" pretrain
expect_error 2 'pretrain --help' "$gradus" pretrain r.toml --resume perhaps
expect_error 2 'generate --help' "$gradus" generate

expect_error 2 'in: gradus data prepare … --foo' "$gradus" data prepare text --out x --foo
expect_error 2 "'-1' is not a whole number from 0 to 2^64 - 1" "$gradus" generate here --prompt a --seed -1
for number in 18446744073709551616 99999999999999999999999 1.5 two 0x10 '' ' 1' 1e30 nan; do
    expect_error 2 'is not a whole number from 0 to 2^64 - 1' "$gradus" generate here --prompt a --seed "$number"
done
expect_error 2 "'16777217' is not a whole number from 1 to 2^24" "$gradus" generate here --prompt a -n 16777217
expect_error 2 "is not a number from 0 to 0.9" "$gradus" data prepare text --out x --val-fraction nan
expect_error 1 "no model 'here'" "$gradus" generate here --prompt a --seed 18446744073709551615

# Names that other programs use.
expect_error 2 "did you mean 'pretrain'?" "$gradus" train r.toml
expect_error 2 "did you mean 'eval'?" "$gradus" evaluate here
expect_error 2 "did you mean '--optimizer.lr'?" "$gradus" pretrain r.toml --lr 1e-3
expect_error 1 "did you mean 'optimizer.lr'?" "$gradus" pretrain quickstart --set optimizer.learning_rate=1e-3
expect_error 1 "did you mean 'cuda'?" "$gradus" pretrain quickstart --set train.device=gpu
expect_error 1 'fix:   --set optimizer.lr=0.0003, or another number between 0 and 100' "$gradus" pretrain quickstart \
    --set optimizer.lr=fast
expect_error 1 "did you mean 'gpt2-124m'?" "$gradus" plan gpt2-125m
expect_error 1 'quickstart' "$gradus" plan absent

# Only the help of the whole program describes a first run.
expect_ok "$gradus" --help
grep -q 'A first run:' out.txt || fail "--help lacks the first run"
for command in data tokenizer pretrain eval generate convert plan report bench 'data prepare' 'bench step'; do
    expect_ok "$gradus" $command --help
    ! grep -q 'A first run:' out.txt || fail "$command --help repeats the first run"
done

# Results that cannot be written are an error; output is never incomplete with status 0.
if [ -w /dev/full ]; then
    full() { "$@" >/dev/full; }
    expect_error 1 'standard output cannot be written' full "$gradus" --version
    expect_error 1 'No space left' full "$gradus" pretrain --help-settings
fi

# Files and folders: status 1.
expect_error 1 'absent.toml' "$gradus" pretrain absent.toml
expect_error 1 'nowhere' "$gradus" generate nowhere --prompt a
expect_error 1 'nowhere' "$gradus" report nowhere
expect_error 1 'nowhere' "$gradus" convert nowhere there
mkdir empty
expect_error 1 'empty' "$gradus" generate empty --prompt a
expect_error 1 'log.jsonl' "$gradus" report empty
expect_error 1 'config.json' "$gradus" convert empty there

# Recipes: status 1, with file, line and column.
printf '[train]\nmicrobatch = 4\n' >r.toml
expect_error 1 'r.toml:2:1' "$gradus" pretrain r.toml
expect_error 1 "did you mean 'train.micro_batch'?" "$gradus" pretrain r.toml
printf '[train]\nbatch = \n' >r.toml
expect_error 1 'r.toml:2:9' "$gradus" pretrain r.toml
printf '[train]\nbatch = "many"\n' >r.toml
expect_error 1 'not a whole number' "$gradus" pretrain r.toml
: >r.toml
expect_error 1 'run.dir' "$gradus" pretrain r.toml
expect_error 1 'data.dir' "$gradus" pretrain r.toml --set run.dir=run
expect_error 1 'gradus data prepare' "$gradus" pretrain r.toml --set run.dir=run --set data.dir=none
expect_error 1 'is not an assignment' "$gradus" pretrain r.toml --set batch
expect_error 1 'between 0 and 0.99' "$gradus" pretrain r.toml --set train.dropout=2
head -c 4096 /dev/urandom >r.toml
expect_error 1 'r.toml' "$gradus" pretrain r.toml
: >r.toml
expect_error 1 "'sample.prompts' has" "$gradus" pretrain r.toml --set 'sample.prompts=[1]'
expect_error 1 '6 heads do not divide the width 100' "$gradus" plan quickstart --set model.vocab=100 --set model.width=100 \
    --set model.heads=6
expect_error 1 'longer than the model.s 256 positions' "$gradus" plan quickstart --set model.vocab=100 \
    --set model.context=256 --set train.context=512
expect_error 1 'given twice' "$gradus" pretrain quickstart --data.dir=none --run.dir=run --train.steps=50
[ ! -e run ] || fail "a refused recipe made a folder"
expect_error 1 "did you mean 'gpt2-124m'?" "$gradus" bench step --model gpt2-125m

# A file that may not grow (ulimit -f, a full disk): an error that names it, and no partial file.
seq 20000 >text.txt
limited() { (ulimit -f 8; "$@"); }
expect_error 1 'File too large' limited "$gradus" data prepare text.txt --out limited --val-fraction 0
[ ! -e limited/report.json ] || fail "an incomplete folder of data looks complete"

# Every included recipe is valid: it fails only because its data, or its model, does not exist.
for recipe in "$root"/tools/recipes/*.toml; do
    expect_error 1 'there are no tokens' "$gradus" pretrain "$recipe" --set data.dir=none --set run.dir=run
done
for recipe in "$root"/tools/recipes/align/*.toml; do
    stage=$(sed -n 's/^\[\(sft\|reward\|dpo\|ppo\|grpo\)\]$/\1/p' "$recipe")
    expect_error 1 'there is no model to start from' "$gradus" "$stage" "$(basename "$recipe" .toml)" --set run.dir=run
done
echo passed
