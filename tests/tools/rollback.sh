#!/usr/bin/env bash
# A run that diverges, rolls back several times and finishes; and the same run stopped or killed at any moment, and
# resumed: the same log, the same samples, the same checkpoints to the last bit.
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm  # thousands of small files are flushed
source "$(dirname "$0")/helpers/check.sh"
stop_at=$(dirname "$gradus")/tests/stop_at.so
[ -e "$stop_at" ] || fail "there is no $stop_at: build the target stop_at"
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
prepare_data
cat >recipe.toml <<'TOML'
[run]
dir = "run"
[data]
dir = "prepared"
packing = "plain"
[model]
layers = 1
width = 32
heads = 2
[train]
context = 16
batch = 8
micro_batch = 4
steps = 60
[optimizer]
lr = 0.1
schedule = "constant"
warmup = 0
[stability]
sigma = 1.8
window = 24
in_a_row = 2
rate_factor = 0.97
[validation]
every = 0
[checkpoint]
every = 2
keep = 8
background = false
[sample]
every = 10
prompts = "the"
tokens = 4
TOML
pretrain() { "$gradus" pretrain recipe.toml --set train.seed="$seed" "$@"; }

# The rollbacks in err.txt: from and to, a line each.
rollbacks() { sed -n 's/^note: rolled back from step \([0-9]*\) to the checkpoint of step \([0-9]*\);.*/\1 \2/p' err.txt; }
# Those to before the checkpoint of the previous rollback, although the run has saved a newer one since: only a run that
# remembers the previous rollback does this.
rollbacks_that_remember() {
    rollbacks | awk 'NR > 1 && $1 <= from && $2 < to && $1 >= to + 4 { ++n } { from = $1; to = $2 } END { print n + 0 }'
}

# How a run diverges depends on the machine's rounding: the first seed that diverges as required, about one in ten.
for ((seed = 1; seed <= 2000; ++seed)); do
    rm -rf run
    pretrain >out.txt 2>err.txt && [ "$(rollbacks_that_remember)" -ge 2 ] && break
done
[ "$seed" -le 2000 ] || fail "with no seed the run rolls back far enough and finishes"
rollbacks >rollbacks.txt
echo "seed $seed: $(wc -l <rollbacks.txt) rollbacks"

# All of it is in the log and in the last manifest, each step and each sample once.
manifest=run/checkpoints/latest/gradus/manifest.json
value_of() { tr -d ' \n' <$manifest | sed 's/.*"'"$1"'":\([^],}]*\).*/\1/'; }
steps_in() { sed 's/.*"step":\([0-9]*\).*/\1/' "run/$1"; }
[ "$(steps_in log.jsonl)" = "$(seq 60)" ] || fail "the log is not steps 1 to 60"
[ "$(steps_in samples.jsonl)" = "$(seq 10 10 60)" ] || fail "samples: $(cat run/samples.jsonl)"
[ "$(value_of data_offset)" -eq "$(awk '{ n += $1 - $2 } END { print n }' rollbacks.txt)" ] ||
    fail "the batches of $(value_of data_offset) steps were skipped after: $(cat rollbacks.txt)"
[ "$(value_of tokens)" -eq $((60 * 8 * 16)) ] || fail "$(value_of tokens) tokens were seen"
[ "$(value_of skipped)" -eq "$(grep -c '^note: step [0-9]* is skipped' err.txt)" ] ||
    fail "$(value_of skipped) were skipped: $(cat err.txt)"
losses=$(tr -d ' \n' <$manifest | sed 's/.*"losses":\[\([^]]*\).*/\1/')
[ "$(tr ',' '\n' <<<"$losses" | wc -l)" -eq 24 ] || fail "not the losses of 24 steps: $losses"
[ "$(value_of diverged_at) $(value_of rolled_back_to)" = "$(tail -n 1 rollbacks.txt)" ] ||
    fail "the last rollback: $(cat $manifest)"
lr=$(sed -n '$s/.*"lr":\([^,]*\).*/\1/p' run/log.jsonl)
awk -v n="$(wc -l <rollbacks.txt)" -v rate="$(value_of rate)" -v lr="$lr" \
    'BEGIN { want = 0.97 ^ n; exit !((rate / want - 1) ^ 2 < 1e-24 && (lr / want / 0.1 - 1) ^ 2 < 1e-12) }' ||
    fail "the learning rate is not 0.97 ^ $(wc -l <rollbacks.txt) times the recipe's"
# Before each rollback exactly two steps in a row are skipped.
awk '/^note: step [0-9]* is skipped/ { before = last; last = $3 }
    /^note: rolled back from/ { if (last != $6 || before != $6 - 1) bad = 1; last = before = 0 }
    END { exit bad }' err.txt || fail "not two skipped steps before each rollback: $(cat err.txt)"
# The log marks each step that was skipped and not undone later.
awk '/^note: step [0-9]* is skipped/ { skipped[$3] = 1 }
    /^note: rolled back from/ { for (step in skipped) if (step + 0 > $12 + 0) delete skipped[step] }
    END { for (step in skipped) print step }' err.txt | sort -n >skipped.txt
sed -n 's/.*"step":\([0-9]*\),.*"skipped":"[a-z ]* spike".*/\1/p' run/log.jsonl | diff skipped.txt - ||
    fail "these steps were skipped: $(cat skipped.txt)"
# The first step after each rollback that was not undone later names the rollback.
while read -r from to; do
    grep -q "\"step\":$((to + 1)),.*\"rolled_back_from\":$from[,}]" run/log.jsonl ||
        fail "no line of the rollback from $from to $to"
done < <(tac rollbacks.txt | awk 'NR == 1 || $2 < least { print; least = $2 }')
[ "$(ls run/checkpoints | grep -c '^step-')" -le 9 ] || fail "more than are kept: $(ls run/checkpoints)"
mv run undisturbed

# Whatever happened to the run, its result is that of the uninterrupted one. A stop during sampling omits the samples.
require_same_end() {
    [ "$(cat exit.txt)" -eq 0 ] || fail "$1: the end is $(cat exit.txt): $(cat err.txt)"
    cmp <(steps_of run) <(steps_of undisturbed) || fail "$1: other steps"
    [[ $1 == stopped* ]] || cmp run/samples.jsonl undisturbed/samples.jsonl || fail "$1: other samples"
    diff -r run/checkpoints undisturbed/checkpoints >diff.txt || fail "$1: other checkpoints: $(cat diff.txt)"
    rm -r run
}
# signal_at NUMBER SIGNAL [ON]: trains; the signal comes after NUMBER events. The exit status is in exit.txt.
signal_at() {
    local status=0
    (
        export STOP_AT=$1 STOP_SIGNAL=$2 STOP_ON=${3:-line} LD_PRELOAD=$stop_at
        pretrain >out.txt 2>err.txt
    ) 2>killed.txt || status=$?
    echo $status >exit.txt
    # No checkpoint belongs to steps that the log no longer has.
    local newest logged
    newest=$( (ls run/checkpoints 2>ignored.txt || true) | sed -n 's/^step-0*//p' | tail -1)
    logged=$( (cat run/log.jsonl 2>ignored.txt || true) | wc -l)
    [ -e run/checkpoints/latest ] || [ ! -L run/checkpoints/latest ] || fail "latest is a broken link after signal_at $*"
    [ "${newest:-0}" -le "$logged" ] || fail "a checkpoint of step $newest and $logged lines after signal_at $*"
}
finish() {
    local status=0
    pretrain >out.txt 2>err.txt || status=$?
    echo $status >exit.txt
}

# The number of events.
STOP_COUNT=$work/lines.txt LD_PRELOAD=$stop_at pretrain >out.txt 2>err.txt
rm -r run
STOP_COUNT=$work/all.txt STOP_ON=any LD_PRELOAD=$stop_at pretrain >out.txt 2>err.txt
echo 0 >exit.txt
require_same_end "a second time"
lines=$(cat lines.txt) all=$(cat all.txt)
[ "$lines" -gt 60 ] && [ "$all" -gt "$lines" ] || fail "$lines lines, $all of all"

# With checkpoints written in the background, the same steps.
pretrain --set checkpoint.background=true >out.txt 2>err.txt || fail "in the background: $(cat err.txt)"
cmp <(steps_of run) <(steps_of undisturbed) || fail "in the background: other steps"
rm -r run

# Stopped after every step: a run with many starts.
for ((starts = 1; ; ++starts)); do
    signal_at 1 2
    [ "$(cat exit.txt)" -eq 0 ] || fail "a stop ended with $(cat exit.txt): $(cat err.txt)"
    grep -q '^done' out.txt && break
    [ $starts -le "$((2 * lines))" ] || fail "stopped after every step, the run does not end: $(cat out.txt)"
done
[ $starts -ge 60 ] || fail "only $starts starts"
require_same_end "stopped after every step"

# Killed once or stopped once, after every line from the first rollback on: in turns, or both with GRADUS_TESTS=all.
stride=$([ "${GRADUS_SLOW:-}" ] && echo 7 || echo 1)
for ((n = $(head -n 1 rollbacks.txt | cut -d' ' -f1) - 2; n < lines; n += stride)); do
    if [ "${GRADUS_TESTS:-}" = all ] || [ $((n / stride % 2)) -eq 0 ]; then
        signal_at $n 9
        [ "$(cat exit.txt)" -eq 137 ] || fail "killed after line $n: status $(cat exit.txt)"
        finish
        require_same_end "killed after line $n"
    fi
    if [ "${GRADUS_TESTS:-}" = all ] || [ $((n / stride % 2)) -eq 1 ]; then
        signal_at $n 2
        [ "$(cat exit.txt)" -eq 0 ] || fail "stopped after line $n: status $(cat exit.txt)"
        finish
        require_same_end "stopped after line $n"
    fi
done

# Killed before a file or folder is renamed or removed: in the middle of saves and of rollbacks.
for ((n = 5; n < all; n += 41 * stride)); do
    signal_at $n 9 any
    [ "$(cat exit.txt)" -eq 137 ] || fail "killed at $n: status $(cat exit.txt)"
    finish
    require_same_end "killed at $n"
done

# Alternating stops and kills. A kill after a rollback and before the next save also loses all that was undone, so kills alone
# may never finish.
for ((starts = 1; starts <= lines; ++starts)); do
    signal_at $((1 + starts / 2 % 5)) $((starts % 2 ? 2 : 9))
    ! grep -q '^done' out.txt || break
done
finish
require_same_end "stopped and killed in turns"
echo passed
