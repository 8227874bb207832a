#!/usr/bin/env bash
# What users type: help of a command, prompts without an option, short options, numbers with an exponent, text tables;
# and shell completion.
source "$(dirname "$0")/helpers/check.sh"
prepare_data
write_recipe
expect_ok "$gradus" pretrain recipe.toml --run.dir=run --train.steps=20 --validation.every 10
[ "$(wc -l <run/log.jsonl)" -eq 20 ] || fail "--train.steps=20 made $(wc -l <run/log.jsonl) steps"

# gradus help.
expect_ok "$gradus" help
grep -q 'A first run:' out.txt || fail "gradus help: $(cat out.txt)"
for command in pretrain 'data prepare' 'bench step'; do
    expect_ok "$gradus" $command --help
    cp out.txt long.txt
    expect_ok "$gradus" help $command
    cmp out.txt long.txt || fail "gradus help $command is not $command --help"
done
expect_error 2 "did you mean 'pretrain'?" "$gradus" help pretrian

expect_ok "$gradus" help help
cmp out.txt <("$gradus" --help) || fail "gradus help help: $(cat out.txt)"
[ "$(awk 'length($0) > 122' out.txt | wc -l)" -eq 0 ] || fail "lines of the help are too long: $(cat out.txt)"
[ "$(wc -l <out.txt)" -le 50 ] || fail "the list of commands is longer than a screen: $(cat out.txt)"

# Values and settings under the names of other programs, or without their dashes.
expect_error 2 "'gpu' is not one of cpu, cuda, simt" "$gradus" generate run a --device gpu
grep -q "fix:   did you mean 'cuda'?" err.txt || fail "the error for gpu does not suggest cuda: $(cat err.txt)"
for words in "generate run a --dtype fp16=bf16" "eval run --text text.txt --dtype float32=f32" "bench ops --dtype half=bf16" \
    "pretrain recipe.toml --resume newer=never" "data prepare text.txt --out x --split hsah=hash" "convert run x --to nano-gpt=nanogpt"; do
    read -ra typed <<<"${words%=*}"
    expect_error 2 "did you mean '${words#*=}'?" "$gradus" "${typed[@]}"
done
expect_error 2 'fix:   --optimizer.lr=1e-3; ' "$gradus" pretrain recipe.toml optimizer.lr=1e-3
expect_error 2 "'-1' is not a whole number from 0 to 2^24" "$gradus" generate run a --top-k -1

# For a folder that is not a run, the error says what can be done with it.
expect_error 1 'gradus pretrain quickstart --data.dir=prepared --run.dir=OTHER' "$gradus" pretrain prepared
expect_error 1 'to resume its run: gradus pretrain run$' "$gradus" pretrain run/checkpoints/latest
cp -r run/checkpoints/latest/ alone
expect_error 1 'to start from this model: gradus pretrain RECIPE --model.from=alone' "$gradus" pretrain alone

# The earlier name of a command.
expect_ok "$gradus" baselines --help
cp out.txt long.txt
expect_ok "$gradus" yardsticks --help
cmp out.txt long.txt || fail "yardsticks does not run baselines: $(cat out.txt)"

# One prompt, in three ways.
expect_ok "$gradus" generate run --prompt 'the cat' --max-tokens 6 --seed 3
cp out.txt long.txt
for words in "-n 6 -p the~cat" "the~cat -n 6" "-n 6e0 the~cat"; do
    read -ra words <<<"$words"
    expect_ok "$gradus" generate run "${words[@]//\~/ }" --seed 3
    cmp out.txt long.txt || fail "generate ${words[*]} gives another text: $(cat out.txt)"
done
expect_ok "$gradus" generate run 'the cat' -n 1
grep -q '; 1 token$' err.txt || fail "one token is printed in the plural: $(cat err.txt)"
expect_ok "$gradus" generate run 'the cat' -p 'a dog' -n 2
grep -q 'prompt 2 of 2' out.txt || fail "a text and a prompt are not two prompts: $(cat out.txt)"

expect_error 2 'put the text in quotes' "$gradus" generate run the cat

# bench tokenizer: a table as text, JSON for programs.
expect_ok "$gradus" bench tokenizer --tokenizer prepared --input text.txt --repeat 1
grep -q '^speed .* MB/s' out.txt || fail "no table: $(cat out.txt)"
grep -q 'the best of 1 run$' out.txt || fail "one run is printed in the plural: $(cat out.txt)"
expect_ok "$gradus" bench tokenizer --tokenizer prepared --input text.txt --repeat 1 --json
for key in seconds tokens bytes ids_fnv1a; do grep -q "\"$key\"" out.txt || fail "the JSON lacks $key: $(cat out.txt)"; done

# Many epochs cause a warning.
expect_ok "$gradus" pretrain recipe.toml --run.dir=often --train.steps=1000 --validation.every=0 --dry-run
grep -qE '; [0-9.]+ epochs$' out.txt || fail "no epochs: $(cat out.txt)"
grep '^memory   params [0-9.]*  grads [0-9.]*  optimizer [0-9.]*  activations [0-9.]*  inputs [0-9.]*  other [0-9.]*  together ' out.txt |
    awk '{ for (i = 2; i < NF && $i != "together"; i += 2) sum += $(i + 1); d = sum - $(i + 1); exit !(d < 0.36 && d > -0.36) } END { if (NR != 1) exit 1 }' || fail "the parts of the memory do not add up: $(cat out.txt)"
grep -q '^note: .* epochs of the same text: .* --set train.steps=' err.txt || fail "no warning: $(cat err.txt)"

# Prompts similar to the training text: beginnings of validation lines that are not in the training text; also without spaces.
expect_ok "$gradus" data prompts prepared
[ "$(wc -l <out.txt)" -eq 3 ] || fail "not three prompts: $(cat out.txt)"
while read -r prompt; do
    grep -q "^$prompt" text.txt || fail "'$prompt' begins no line of the text"
    [ "$(wc -w <<<"$prompt")" -eq 4 ] || fail "'$prompt' does not have four words"
done <out.txt
for ((i = 0; i < 40; ++i)); do printf '漢字仮名交じり文%.0s' {1..30}; echo $i; done >joined.txt
expect_ok "$gradus" data prepare joined.txt --split tail --val-fraction 0.2 --out joined
expect_ok "$gradus" data prompts joined --count 2
iconv -f UTF-8 -t UTF-8 out.txt >/dev/null || fail "a prompt ends inside a character: $(cat out.txt)"
[ -s out.txt ] || fail "a text without spaces gives no prompt"
expect_error 1 'no validation text' "$gradus" data prompts run

# Completion, from the definitions of the commands: offers every option in every command's help.
expect_ok "$gradus" __complete ''
grep -qx pretrain out.txt || fail "commands are not completed: $(cat out.txt)"
for command in 'data prepare' 'data prompts' 'tokenizer train' plan pretrain eval generate rank judge revise convert baselines report 'bench step' \
    'bench ops' 'bench generate' 'bench tokenizer'; do
    expect_ok "$gradus" $command --help
    grep -oE '^  (-[a-zA-Z],)?--[a-z0-9-]+' out.txt | grep -oE -- '--[a-z0-9-]+' | sort -u >options.txt
    [ "$(wc -l <options.txt)" -ge 2 ] || fail "$command has no options: $(cat out.txt)"
    expect_ok "$gradus" __complete $command --
    cmp options.txt <(sort -u out.txt) || fail "$command completes other options: $(diff options.txt <(sort -u out.txt))"
done
expect_ok "$gradus" __complete pretrain qui
grep -qx quickstart out.txt || fail "recipes are not completed: $(cat out.txt)"
expect_ok "$gradus" __complete pretrain quickstart --set optimizer.l
grep -qx 'optimizer.lr=' out.txt || fail "settings are not completed: $(cat out.txt)"
expect_ok "$gradus" __complete generate run --device s
grep -qx simt out.txt || fail "values are not completed: $(cat out.txt)"
COMP_WORDS=(gradus data pre) COMP_CWORD=2
gradus_path=$gradus
source "$root/tools/completion.bash"
COMP_WORDS[0]=$gradus_path
_gradus
[ "${COMPREPLY[*]}" = prepare ] || fail "bash completes 'gradus data pre' by '${COMPREPLY[*]}'"
echo passed
