#!/usr/bin/env bash
# Resuming a run after its folder was edited: a log that was deleted or truncated, a link that became a folder.
source "$(dirname "$0")/helpers/check.sh"
prepare_data
write_recipe
train=("$gradus" pretrain recipe.toml --set)
expect_ok "${train[@]}" run.dir=whole
grep -q '"step":60,' whole/log.jsonl || fail "the run is not done: $(tail -1 whole/log.jsonl)"
# half NAME: that run after 40 steps.
half() {
    cp -r whole "$1"
    rm -r "$1/checkpoints/step-00000060"
}

# No note about a log that has every step.
half same
expect_ok "${train[@]}" run.dir=same
! grep -q 'has no line' err.txt || fail "unexpected output for a complete log: $(cat err.txt)"
cmp <(steps_of same) <(steps_of whole) || fail "the resumed run differs"

# Missing steps in the log are named, on a dry run too, and the run continues normally.
half gone
rm gone/log.jsonl
half short
head -n 10 whole/log.jsonl >short/log.jsonl
half cut
head -c 2000 whole/log.jsonl >cut/log.jsonl
half unended
head -n 17 whole/log.jsonl | head -c -1 >unended/log.jsonl  # a line without its line feed, else complete
half holes
sed '3d; 5,7d; 30d; 35d' whole/log.jsonl >holes/log.jsonl
half one
sed '40d' whole/log.jsonl >one/log.jsonl
whole_lines=$(head -c 2000 whole/log.jsonl | wc -l)
while read -r run missing; do
    for dry in --dry-run ''; do
        expect_ok "${train[@]}" run.dir="$run" $dry
        note="^note: '$run/log.jsonl' has no line of $missing, which the checkpoint of step 40 includes"
        [ "$(grep -c "$note" err.txt)" -eq 1 ] ||
            fail "$run $dry: no note that $missing is missing: $(cat err.txt)"
    done
    cmp <(steps_of "$run" | tail -n 20) <(steps_of whole | tail -n 20) || fail "$run differs"
    cmp "$run/checkpoints/latest/model.safetensors" whole/checkpoints/latest/model.safetensors ||
        fail "$run: other weights"
done <<TEXT
gone steps 1 to 40
short steps 11 to 40
cut steps $((whole_lines + 1)) to 40
unended steps 17 to 40
holes steps 3, 5 to 7, 30 and others up to 35
one step 40
TEXT

# Killed before the link moved and the oldest checkpoint was removed, a finished run does both.
cp -r whole stale
cp -r whole/checkpoints/step-00000040 stale/checkpoints/step-00000020
ln -sfn step-00000040 stale/checkpoints/latest
expect_ok "${train[@]}" run.dir=stale
[ "$(readlink stale/checkpoints/latest)" = step-00000060 ] || fail "latest: $(ls -l stale/checkpoints)"
[ ! -e stale/checkpoints/step-00000020 ] || fail "more than two are kept: $(ls stale/checkpoints)"

# A copy without links has a folder in place of latest: the run continues, and the folder is kept under another name.
cp -rL whole copied
rm -r copied/checkpoints/step-00000060 copied/checkpoints/latest
cp -r copied/checkpoints/step-00000040 copied/checkpoints/latest
expect_ok "${train[@]}" run.dir=copied
grep -q "^note: 'copied/checkpoints/latest' was not a link.*now 'copied/checkpoints/latest.copy'" err.txt ||
    fail "there is no note: $(cat err.txt)"
[ "$(readlink copied/checkpoints/latest)" = step-00000060 ] || fail "latest: $(ls -l copied/checkpoints)"
diff -r copied/checkpoints/latest.copy whole/checkpoints/step-00000040 || fail "the copy was changed"
cmp copied/checkpoints/latest/model.safetensors whole/checkpoints/latest/model.safetensors ||
    fail "the copied run differs"

# An existing folder of that name is kept as well.
expect_ok "${train[@]}" run.dir=begun --set train.steps=60
rm -r begun/checkpoints/step-00000060 begun/checkpoints/latest
mkdir begun/checkpoints/latest
echo mine >begun/checkpoints/latest/notes.txt
expect_ok "${train[@]}" run.dir=begun
[ "$(cat begun/checkpoints/latest.copy/notes.txt)" = mine ] ||
    fail "the user's folder was removed: $(ls -R begun/checkpoints)"

# If that folder is all that is left of the newest checkpoint, nothing begins before it has its name again.
half newest
rm newest/checkpoints/latest
cp -r whole/checkpoints/step-00000060 newest/checkpoints/latest
half only
rm -r only/checkpoints
mkdir only/checkpoints
cp -r whole/checkpoints/step-00000040 only/checkpoints/latest
files_of() { find "$1" -type f ! -name .lock -printf '%p %s %T@\n' | sort; }
for run in newest only; do
    before=$(files_of $run)
    expect_error 1 "$run/checkpoints/latest' is a folder with the only copy of the checkpoint of step" "${train[@]}" run.dir=$run
    [ "$before" = "$(files_of $run)" ] || fail "the refused run changed its folder"
    $(sed -n 's/^  fix:   //p' err.txt)
done
expect_ok "${train[@]}" run.dir=newest
grep -q 'has finished all of its 60 steps' out.txt || fail "the newest checkpoint was not used: $(cat out.txt)"
expect_ok "${train[@]}" run.dir=only
grep -q '^resume   after step 40 of 60' out.txt || fail "the only checkpoint was not used: $(cat out.txt)"
cmp <(steps_of only) <(steps_of whole) || fail "the run with one folder differs"

# If checkpoints cannot be saved, the run does not start: a file of that name, and a broken link.
mkdir no_file no_link
touch no_file/checkpoints
ln -s nowhere no_link/checkpoints
for run in no_file no_link; do
    expect_error 1 "mv $run/checkpoints OTHER" "${train[@]}" run.dir=$run
    [ "$(ls $run)" = checkpoints ] || fail "something was written: $(ls -l $run)"
done

# A run, its data and its prompts may have names that are not UTF-8.
odd=$'run \xff\xc3('
cp -r prepared "data $odd"
expect_ok "${train[@]}" run.dir="$odd" --set data.dir="data $odd" --set validation.every=20
cp -r "$odd" undisturbed
rm -r "$odd/checkpoints/step-00000060"
expect_ok "$gradus" pretrain "$odd"
grep -q '^resume   after step 40 of 60' out.txt || fail "it did not resume: $(cat -v out.txt)"
cmp "$odd/checkpoints/latest/model.safetensors" undisturbed/checkpoints/latest/model.safetensors || fail "other weights"
for command in eval plan report; do
    expect_ok "$gradus" $command "$odd"
done
iconv -f utf-8 -t utf-8 "$odd/report.html" >/dev/null || fail "the report is not UTF-8"
iconv -f utf-8 -t utf-8 "$odd/recipe.toml" >/dev/null || fail "the recipe is not TOML"
echo passed
