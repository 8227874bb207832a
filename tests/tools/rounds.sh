#!/usr/bin/env bash
# gradus rounds: two rounds with the simulated rater, interrupted and continued, and one with people.
source "$(dirname "$0")/helpers/check.sh"
source "$root/tests/tools/helpers/align.sh"
prepare_alignment
align_up_to sft
head -n 24 prompts.jsonl | sed 's/"prompt": "say \([a-z]*\) \([0-9]*\)"/"prompt": "What is \1 \2?"/' >questions.jsonl
cat >rounds.toml <<'TOML'
[run]
dir = "rounds"
[rounds]
policy = "sft"
prompts = ["questions.jsonl"]
prompts_a_round = 16
count = 2
rater = "simulated"
max_tokens = 8
held_out_count = 8
reward_set = ["train.steps=6", "train.batch=4", "reward.val_share=0.3", "validation.every=6", "optimizer.lr=1e-3"]
ppo_set = ["train.steps=3", "ppo.batch=8", "ppo.max_tokens=8", "optimizer.lr=1e-3"]
TOML
expect_ok "$gradus" rounds rounds.toml
cp out.txt whole.txt
for file in round-1/rankings.jsonl round-1/stages.json round-2/rankings.jsonl round-2/ppo/log.jsonl rounds.json recipe.toml; do
    [ -s "rounds/$file" ] || fail "there is no rounds/$file"
done
# The second round takes the prompts that the first has left, and answers of both policies.
cmp <(cut -d'"' -f4 rounds/round-1/prompts.jsonl) <(head -n 16 questions.jsonl | cut -d'"' -f4) || fail "other prompts in the first round"
[ "$(head -n 1 rounds/round-2/prompts.jsonl | cut -d'"' -f4)" = "$(sed -n 17p questions.jsonl | cut -d'"' -f4)" ] || fail "the second round begins with $(head -n 1 rounds/round-2/prompts.jsonl)"
grep -q '"models":\["sft","sft","rounds/round-1/ppo","rounds/round-1/ppo"\]' rounds/round-2/rankings.jsonl || fail "whose answers? $(head -n 1 rounds/round-2/rankings.jsonl)"
grep -q '^\$ gradus reward .*round-1/rankings.jsonl.*round-2/rankings.jsonl' whole.txt || fail "the second reward model learns from: $(grep 'gradus reward' whole.txt)"
[ "$(grep -c '^ *[012] ' <(tail -n 8 whole.txt))" -eq 3 ] || fail "no table of rounds: $(tail -n 12 whole.txt)"
for key in '"round": 2' '"utility": [0-9]' '"kl": [0-9]' '"accuracy": [0-9]' '"preferred": [0-9]'; do
    grep -q "$key" rounds/rounds.json || fail "rounds.json has no $key: $(cat rounds/rounds.json)"
done

# Interrupted at any place, the same command comes to the same end.
numbers_of() { cat "$1/rounds.json" "$1"/round-*/rankings.jsonl | sed "s#$1#RUN#g"; }
numbers_of rounds >whole.numbers
stop_at=$(dirname "$gradus")/tests/stop_at.so
for ((kills = 0; kills < 3; ++kills)); do
    (STOP_SIGNAL=9 STOP_ON=any STOP_AT=$((RANDOM % 60 + 20)) LD_PRELOAD=$stop_at "$gradus" rounds rounds.toml --run.dir=killed >out.txt 2>err.txt; exit $?) 2>/dev/null && break
done
expect_ok "$gradus" rounds rounds.toml --run.dir=killed
numbers_of killed | cmp - whole.numbers || fail "killed and continued, the rounds differ: $(numbers_of killed | diff - whole.numbers | head -5)"

# A finished run continues with more rounds, and refuses other settings.
expect_ok "$gradus" rounds rounds --rounds.count=3
[ -s rounds/round-3/ppo/log.jsonl ] || fail "there is no third round"
expect_error 1 'rounds.samples, which was 4' "$gradus" rounds rounds --rounds.samples=2
expect_error 1 'rounds.policy is not set' "$gradus" rounds --run.dir=other --rounds.prompts=questions.jsonl
expect_error 1 'run.dir is not set' "$gradus" rounds --rounds.policy=sft --rounds.prompts=questions.jsonl
expect_error 1 'rounds.prompts is not set' "$gradus" rounds --rounds.policy=sft --run.dir=other
expect_error 1 'rater' "$gradus" rounds rounds.toml --run.dir=other --rounds.rater=nobody
expect_error 1 'has no rounds' "$gradus" rounds sft
# What is refused leaves no folder, and nothing is settled before the first answers are ranked.
expect_error 1 'nowhere' "$gradus" rounds rounds.toml --run.dir=fresh --rounds.policy=nowhere
[ ! -e fresh ] || fail "a refused command left a folder"
# A command that fails says why, and the rounds where to go on.
status=0
"$gradus" rounds rounds.toml --run.dir=other --rounds.reward_set='["train.batch=0"]' >out.txt 2>err.txt </dev/null || status=$?
[ $status -eq 1 ] && grep -q 'train.batch' err.txt && grep -q 'gradus reward failed' err.txt || fail "a bad setting: $status $(cat err.txt)"
status=0
"$gradus" rounds rounds.toml --run.dir=early --rounds.template=nonsense >out.txt 2>err.txt </dev/null || status=$?
[ $status -eq 1 ] && grep -q 'gradus rank failed' err.txt || fail "a bad template: $status $(cat err.txt)"
expect_ok "$gradus" rounds rounds.toml --run.dir=early --rounds.count=1

# People: the page ends by itself when enough is ranked, and after the last round compares the policies.
if command -v python3 >/dev/null; then
    : >served.txt
    "$gradus" rounds rounds.toml --run.dir=people --rounds.rater=people --rounds.rankings_a_round=4 --rounds.port=0 \
        --rounds.count=1 --rounds.last_ranking=true >served.txt 2>err.txt </dev/null &
    server=$!
    trap 'kill -9 "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
    for page in 1 2; do
        address=
        for _ in $(seq 600); do
            address=$(sed -n 's/^  \(http:.*\)/\1/p' served.txt | sed -n ${page}p)
            [ -z "$address" ] || break
            kill -0 "$server" 2>/dev/null || fail "the rounds ended before page $page: $(cat served.txt err.txt)"
            sleep 0.1
        done
        python3 "$root/tests/tools/helpers/rank_client.py" "$address" judge ada 4 >reply.txt || true  # the page may end first
    done
    wait "$server" || fail "the rounds with people failed: $(cat served.txt err.txt)"
    for round in 1 2; do
        [ "$(wc -l <people/round-$round/rankings.jsonl)" -eq 4 ] || fail "not four rankings: $(cat people/round-$round/rankings.jsonl)"
    done
    grep -q '"preferred": [0-9]' people/rounds.json || fail "nothing is preferred: $(cat people/rounds.json)"
fi
echo passed
