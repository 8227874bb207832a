#!/usr/bin/env bash
# tools/quickstart after its build: finished work is reused, a trained model is kept, and other files are not touched. Also
# the baselines that it measures.
source "$(dirname "$0")/helpers/check.sh"
write_text >text.txt
write_recipe
# The data and the minutes come from quickstart.
sed -i '/^\[data\]/,/^packing/d; /^steps/d; s/^context.*/context = 64/' recipe.toml
quick=("$root/tools/quickstart" --gradus "$gradus" --recipe recipe.toml)
small=("${quick[@]}" --text text.txt --minutes 0.05)

# The content of a folder: paths, sizes and times, except for the two files that the tests write.
listing() { (cd "$1" && find . ! -name out.txt ! -name err.txt -printf '%p %s %T@\n' | sort); }

# refused STATUS PATTERN FOLDER COMMAND…: an error of three lines, and the folder does not change.
refused() {
    local before
    before=$(listing "$3")
    expect_error "$1" "$2" "${@:4}"
    [ "$(listing "$3")" = "$before" ] || fail "${*:4} changed $3: $(diff <(echo "$before") <(listing "$3"))"
}

# The command line.
expect_ok "${quick[@]}" --help
grep -q -- '--minutes N' out.txt || fail "--help says: $(cat out.txt)"
for minutes in 0 0.0 00 -1 five '' 1e3; do
    refused 2 'number above 0' . "${quick[@]}" --run . --minutes "$minutes"
done
refused 2 "no 'absent.txt'" . "${quick[@]}" --run run --text text.txt absent.txt
refused 2 'a path' . "${quick[@]}" --run run --text --minutes 1
refused 2 'a path' . "${quick[@]}" --run
refused 2 "'--text=a'" . "${quick[@]}" --text=a

# Folders made by something else.
mkdir -p foreign/checkpoints/step-00000001 foreign/data
touch foreign/log.jsonl foreign/data/mine foreign/minutes foreign/inputs
refused 1 'was not made by' foreign "${small[@]}" --run foreign
refused 1 'was not made by' . "${small[@]}" --run .
refused 1 'was not made by' . "${small[@]}" --run text.txt
refused 1 'cannot be used' . "${small[@]}" --run text.txt/below

# start LOG COMMAND…: in the background, in its own process group that Ctrl-C can reach.
start() {
    set -m
    "${@:2}" >"$1" 2>&1 </dev/null &
    pid=$!
    set +m
    trap 'kill -KILL -- "-$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
}
wait_for() {
    for ((i = 0; i < 2000; ++i)); do
        "$@" && return
        sleep 0.01
    done
    fail "no '$*' in 20 s"
}
# ended STATUS LOG: the command of start.
ended() {
    local status=0
    wait "$pid" || status=$?
    trap 'rm -rf "$work"' EXIT
    [ "$status" -eq "$1" ] || fail "it ended with $status instead of $1: $(tail -5 "$2")"
}

# Ctrl-C during training saves, ends all of it, and prints how to resume.
start stopped.txt "${small[@]}" --run run
wait_for test -s run/log.jsonl
kill -INT -- "-$pid"
ended 130 stopped.txt
grep -q 'stopped; the same command resumes: .*quickstart .*--run run' stopped.txt ||
    fail "it printed: $(tail -3 stopped.txt)"
! grep -q ' generate ' stopped.txt || fail "it continued after Ctrl-C"
grep -q 'split tail' stopped.txt || fail "the text was not split by its tail: $(cat stopped.txt)"
! grep -q 'same text: .*--set train.steps' stopped.txt || fail "steps are suggested for a run of minutes: $(cat stopped.txt)"
steps=$(wc -l <run/log.jsonl)

# The same command resumes: no work is repeated, and the table is printed.
made=$(listing run/data; listing run/tokenizer; stat -c %Y run/extra.json)
expect_ok "${small[@]}" --run run
grep -q "^resume   after step $steps of" out.txt || fail "it did not resume from step $steps: $(grep -m1 resume out.txt)"
expect_ok "${small[@]}" --run ./run --minutes 0.050
grep -q 'has finished all' out.txt || fail "a third run trained: $(cat out.txt)"
! grep -qE '^\$ .*(prepare|tokenizer train|baselines)' out.txt || fail "work was repeated: $(cat out.txt)"
[ "$made" = "$(listing run/data; listing run/tokenizer; stat -c %Y run/extra.json)" ] || fail "the data was prepared again"
rows='this model|xz -9 alone|xz -9 after the training text|byte 6-gram'
[ "$(grep -cE "^ +[0-9]+\.[0-9]{4}  ($rows)" out.txt)" -eq 4 ] ||
    fail "the table is incomplete: $(tail -12 out.txt)"
# The prompts come from the user's own text, and the path of the model is one that transformers loads.
grep '^\$ .* generate ' out.txt >generated.txt
! grep -q 'install the package' generated.txt || fail "the prompts of another text: $(cat generated.txt)"
prompts=$(grep -oE "'[^']*'" generated.txt | tr -d "'")
[ "$(wc -l <<<"$prompts")" -eq 3 ] || fail "not three prompts: $(cat generated.txt)"
while read -r prompt; do grep -q "^$prompt" text.txt || fail "'$prompt' is not from the text"; done <<<"$prompts"
model=$(sed -n 's/^the model, as Hugging Face transformers loads it: *//p' out.txt)
[ -e "$model/config.json" ] && [ -e "$model/model.safetensors" ] || fail "'$model' is not a model: $(tail -5 out.txt)"
grep -q '</html>' run/report.html || fail "there is no report"

# The validation covers the same text as the baselines.
bytes=$(sed -n 's/.*"bytes": \([0-9]*\).*/\1/p' run/data/val.meta.json)
[ "$bytes" -gt 2000 ] || fail "only $bytes bytes are validated"
grep -q 'windows = 0' run/recipe.toml || fail "the validation does not cover all text"

# A trained model is kept, whatever has changed.
refused 1 'for 0.05 minutes, not 0.5' run "${small[@]}" --run run --minutes 0.5
cp text.txt other.txt
refused 1 'other.txt' run "${quick[@]}" --text text.txt other.txt --minutes 0.05 --run run
refused 1 'other text' run "${quick[@]}" --text other.txt --minutes 7 --run run
touch -d '2001-01-01' text.txt
refused 1 "text.txt' was added, removed or changed" run "${small[@]}" --run run

# Before there is a model, the data follows the text, and incomplete work is repeated. Only one process works in a folder.
start early.txt "${quick[@]}" --text other.txt --minutes 5 --run early
wait_for test -e early/data/val.idx
expect_error 1 'another tools/quickstart' "${quick[@]}" --text other.txt --minutes 0.03 --run early
kill -TERM -- "-$pid"
ended 130 early.txt
rm -rf early/checkpoints
echo 'one more line' >>other.txt
expect_ok "${quick[@]}" --text other.txt --minutes 0.03 --run early
grep -q 'prepare .*other.txt' out.txt || fail "the data is from the previous text: $(cat out.txt)"
for damage in rm touch; do  # as if stopped before the index was written, or before the report that counts the tokens
    "$damage" early/data/val.idx
    expect_ok "${quick[@]}" --text other.txt --minutes 0.03 --run early
    [ "$(grep -c '^\$ .*prepare' out.txt)" -eq 1 ] ||
        fail "after $damage it did not redo only the tokens: $(cat out.txt)"
done

# Manuals that are not installed, or installed without their pages.
mkdir bin
printf '#!/bin/sh\necho /usr/share/doc/absent/index.html\n' >bin/dpkg
chmod +x bin/dpkg
expect_error 1 'path-exclude' env PATH="$work/bin:$PATH" "${quick[@]}" --run pages
printf '#!/bin/sh\nexit 1\n' >bin/dpkg
expect_error 1 'tools/setup quickstart' env PATH="$work/bin:$PATH" "${quick[@]}" --run pages
rm bin/dpkg

# Baselines: only of prepared folders, and no number if xz or the output fails. Nothing is left behind.
mkdir empty
refused 1 'gradus data prepare' empty "$gradus" baselines empty
refused 1 'gradus data prepare' . "$gradus" baselines absent
for xz in 'exit 3' 'head -c 1000 >/dev/null; kill -9 $$'; do
    printf '#!/bin/sh\n%s\n' "$xz" >bin/xz
    chmod +x bin/xz
    refused 1 'xz -9 did not compress' run env PATH="$work/bin:$PATH" "$gradus" baselines run/data
done
full() { "$@" >/dev/full; }
[ ! -w /dev/full ] || refused 1 'standard output' run full "$gradus" baselines run/data
expect_ok "$gradus" baselines run/data --out again.json
cmp again.json run/extra.json || fail "the baselines differ from run to run"
echo passed
