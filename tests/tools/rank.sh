#!/usr/bin/env bash
# gradus rank: rankings over HTTP and in the terminal. Nothing that was submitted is lost, and the same command continues.
source "$(dirname "$0")/helpers/check.sh"
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 0; }
server=
trap '[ -z "$server" ] || kill -9 "$server" 2>/dev/null; rm -rf "$work"' EXIT

client() { python3 "$root/tests/tools/helpers/rank_client.py" "$@"; }
# serve OPTION…: starts the page in the background; its address is in $address.
serve() {
    : >served.txt  # not that of the server before
    "$gradus" rank "$@" >served.txt 2>served_err.txt </dev/null &
    server=$!
    address=
    for _ in $(seq 600); do
        address=$(sed -n 's/^  \(http:.*\)/\1/p' served.txt)
        [ -z "$address" ] || return 0
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    fail "no page: $(cat served.txt served_err.txt)"
}
# stop SIGNAL: ends the page; its status is in $status.
stop() {
    status=0
    kill "-$1" "$server"
    wait "$server" 2>/dev/null || status=$?
    server=
}
# replies STATUS PATTERN CLIENT-ARGUMENT…
replies() {
    local status=$1 pattern=$2
    shift 2
    client "$address" "$@" >reply.txt || fail "$* got no reply"
    grep -q "^$status .*$pattern" reply.txt || fail "$*: $(cat reply.txt) instead of $status $pattern"
}
lines() { wc -l <"$1"; }

for i in 1 2 3 4 5 6 7 8 9 10; do
    echo '{"prompt": "Question '$i'?", "answers": ["a '$i'", "b '$i'", "c <b>'$i'</b>"]}'
done >answers.jsonl

# The command line.
expect_error 2 'neither MODEL nor --answers' "$gradus" rank --out r.jsonl
expect_error 2 'both given' "$gradus" rank model --answers answers.jsonl --out r.jsonl
expect_error 2 'no prompts' "$gradus" rank model --out r.jsonl
expect_error 2 'needs a MODEL' "$gradus" rank --answers answers.jsonl --prompts answers.jsonl --out r.jsonl
expect_error 2 'for the terminal' "$gradus" rank --answers answers.jsonl --out r.jsonl --rater ada
expect_error 2 '0 to 1' "$gradus" rank --answers answers.jsonl --out r.jsonl --overlap 2
expect_error 1 'absent.jsonl' "$gradus" rank --answers absent.jsonl --out r.jsonl
expect_error 1 'absent' "$gradus" rank --answers answers.jsonl --out absent/r.jsonl
expect_error 1 'r.jsonl' "$gradus" rank --out r.jsonl --report
echo '{"prompt": "Q", "answers": ["same", "same"]}' >equal.jsonl
expect_error 1 'answers are all equal' "$gradus" rank --answers equal.jsonl --out r.jsonl --terminal
echo '{"prompt": "Q"}' >bad.jsonl
expect_error 1 'bad.jsonl:1' "$gradus" rank --answers bad.jsonl --out r.jsonl --terminal
[ ! -e r.jsonl ] || fail "a refused command left a file"

# The page and what it asks for. Only this page gets replies.
options=(--answers answers.jsonl --out r.jsonl --overlap 0.4 --port 0)
serve "${options[@]}"
replies 200 '<!doctype html>' get ''
! grep -qE '(src|href)="?(http|//)' reply.txt || fail "the page needs something from elsewhere"
replies 403 'gradus rank printed' get /
replies 403 'gradus rank printed' get /0123456789abcdef0123456789abcdef/
replies 403 'gradus rank printed' get '' Host=example.org
replies 403 'gradus rank printed' post join '{"name": "eve", "seat": ""}' Origin=http://example.org
replies 200 'judged' post join '{"name": "tunnel", "seat": ""}' Host=localhost:1234 Origin=http://localhost:1234
replies 404 '' post nothing '{"name": "ada", "seat": ""}'
for body in '' '[]' '{"name": "ada"}' '{"name": 1, "seat": ""}' '{"name": " ", "seat": ""}' '{"seat": ""}' 'x'; do
    replies 400 'error' post join "$body"
done

# Two people with one name.
replies 200 '"item"' post join '{"name": "ada", "seat": ""}'
seat=$(sed 's/.*"seat":"\([0-9a-f]*\)".*/\1/' reply.txt)
item=$(sed 's/.*"id":\([0-9]*\).*/\1/' reply.txt)
replies 409 'at work in another page' post join '{"name": "ada", "seat": ""}'
replies 409 'another page' post rank '{"name": "ada", "seat": "other", "item": '"$item"', "ranks": [1, 2, 3]}'
me='"name": "ada", "seat": "'$seat'"'
for ranks in '[1, 2]' '[1, 2, 4]' '[0, 1, 2]' '[1, 2, "3"]' '[1, 2, 1.5]' '[-1, 1, 2]' '3' 'null'; do
    replies 400 'error' post rank "{$me, \"item\": $item, \"ranks\": $ranks}"
done
replies 400 'no such prompt' post rank "{$me, \"item\": 10, \"ranks\": [1, 2, 3]}"
[ ! -s r.jsonl ] || fail "refused rankings were written: $(cat r.jsonl)"

# A submitted ranking is on the disk when the reply is there; submitted again, it is not written twice.
replies 200 '"judged":1' post rank "{$me, \"item\": $item, \"ranks\": [3, 1, 1]}"
[ "$(lines r.jsonl)" -eq 1 ] || fail "the ranking is not in the file: $(cat r.jsonl)"
replies 200 '"judged":1' post rank "{$me, \"item\": $item, \"ranks\": [3, 1, 1]}"
[ "$(lines r.jsonl)" -eq 1 ] || fail "a repeated request was written twice"
python3 - <<'PY' || fail "the ranking is: $(cat r.jsonl)"
import json, re
r = json.loads(open("r.jsonl").read())
assert r["rater"] == "ada" and r["seconds"] >= 0 and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", r["time"]), r
assert [r["ranks"][i] for i in r["order"]] == [2, 1, 1] and sorted(r["order"]) == [0, 1, 2], r
PY
replies 200 '{}' post alive "{$me}"
replies 200 '{}' post leave "{$me}"
replies 409 'another page' post alive "{$me}"

# A port in use; a second program on the same file.
port=$(sed 's,.*:\([0-9]*\)/.*,\1,' <<<"$address")
expect_error 1 "port $port is in use" "$gradus" rank --answers answers.jsonl --out other.jsonl --port "$port"
grep -q -- "--port $((port + 1))" err.txt || fail "no other port is named: $(cat err.txt)"
expect_error 1 'another program is writing' "$gradus" rank "${options[@]}"

# A kill: what was submitted stays, part of a line goes, the same command continues.
client "$address" judge ada 3 >judged.txt
stop KILL
[ "$(lines r.jsonl)" -eq 4 ] || fail "rankings were lost: $(cat r.jsonl)"
cp r.jsonl before.jsonl
printf '{"prompt": "Question 1?", "answ' >>r.jsonl
serve "${options[@]}"
grep -q '^note: the last line of' served_err.txt || fail "no note of the incomplete line: $(cat served_err.txt)"
cmp r.jsonl before.jsonl || fail "the file was not repaired"
[ "$(client "$address" judge ben 100)" = "8 0" ] || fail "ben did not get what is left"
[ "$(client "$address" judge ada 100)" = "6 0" ] || fail "ada did not get the rest of the common prompts"
stop INT
[ $status -eq 0 ] || fail "Ctrl-C ended with $status: $(cat served_err.txt)"
grep -q 'ada, ben: Cohen.s kappa' served.txt && grep -q 'alpha' served.txt && grep -q 'continues' served.txt ||
    fail "no report: $(cat served.txt)"
expect_ok "$gradus" rank --out r.jsonl --report
grep -q '14 rankings of 10 prompts by 2 raters' out.txt || fail "the report is: $(cat out.txt)"
python3 - <<'PY' || fail "the rankings are not complete: $(cat r.jsonl)"
import collections, json
rankings = [json.loads(line) for line in open("r.jsonl")]
raters = collections.Counter(r["prompt"] for r in rankings)
assert len(rankings) == 14 and len(raters) == 10 and sorted(raters.values()) == [1] * 6 + [2] * 4, raters
for r in rankings[1:]:
    assert [sorted(r["answers"]).index(a) + 1 for a in r["answers"]] == r["ranks"], r
PY

# A disk that takes no more: the reply says so, nothing is lost, and later the same ranking is accepted.
: >served.txt
(ulimit -f 1; exec "$gradus" rank --answers answers.jsonl --out small.jsonl --port 0) >served.txt 2>served_err.txt </dev/null &
server=$!
for _ in $(seq 600); do grep -q '^  http:' served.txt && break; sleep 0.1; done
address=$(sed -n 's/^  \(http:.*\)/\1/p' served.txt)
client "$address" judge ada 100 >reply.txt 2>&1 && fail "a full disk was not noticed: $(cat reply.txt)"
grep -q '507 .*cannot write' reply.txt || fail "a full disk: $(cat reply.txt)"
stop TERM
[ -z "$(tail -c 1 small.jsonl | tr -d '\n')" ] && [ "$(lines small.jsonl)" -gt 3 ] || fail "after a full disk: $(cat small.jsonl)"
python3 -c 'import json; [json.loads(line) for line in open("small.jsonl")]' || fail "part of a line stayed: $(cat small.jsonl)"

# In the terminal: wrong input is explained, q and the end of the input end, the same command continues.
terminal() { "$gradus" rank --answers answers.jsonl --out t.jsonl --terminal "$@" >out.txt 2>err.txt || fail "--terminal: $(cat err.txt)"; }
printf '%s\n' cleo '1 2' 'x' '1 2 3 4' '3 1=2' q | terminal
[ "$(lines t.jsonl)" -eq 1 ] || fail "the terminal wrote $(cat t.jsonl)"
for said in 'your name' 'answer 3 is missing' 'and nothing else' 'there is no answer 4' '1 ranked, 9 left' 'Question'; do
    grep -q "$said" out.txt || fail "the terminal does not say '$said': $(cat out.txt)"
done
python3 - <<'PY' || fail "the terminal wrote: $(cat t.jsonl)"
import json
r = json.loads(open("t.jsonl").read())
assert r["rater"] == "cleo" and [r["ranks"][i] for i in r["order"]] == [2, 2, 1], r
PY
printf '1 2 3\n2 1 3' | terminal --rater cleo
[ "$(lines t.jsonl)" -eq 2 ] || fail "an unfinished line was taken: $(cat t.jsonl)"
for _ in $(seq 20); do echo '1=2=3'; done >ties.txt
terminal --rater cleo <ties.txt
[ "$(lines t.jsonl)" -eq 10 ] && grep -q 'nothing is left for cleo' out.txt || fail "the terminal did not end: $(cat out.txt)"
expect_error 1 'no name' "$gradus" rank --answers answers.jsonl --out n.jsonl --terminal

# Answers of a model: generated once, and the same when the session is resumed, then without the model.
write_text >text.txt
write_recipe
expect_ok "$gradus" tokenizer train text.txt --vocab-size 300 --out prepared
expect_ok "$gradus" data prepare text.txt --split tail --val-fraction 0.1 --tokenizer prepared --out prepared
expect_ok "$gradus" pretrain recipe.toml --run.dir=run --train.steps=4 --optimizer.warmup=1 --model.context=64
printf '{"prompt": "the cat %s"}\n' a b c >prompts.jsonl
printf '{"prompt": "%s"}\n' "$(head -c 300 text.txt | tr '\n' ' ')" >>prompts.jsonl
printf '1 2 3\n1 2 3\n1 2 3\n' >ranks.txt
ask=("$gradus" rank run --prompts prompts.jsonl --out m.jsonl --terminal --rater ada --samples 3 -n 12 --seed 5)
expect_error 1 'no chat template' "${ask[@]}"
grep -q -- '--template plain' err.txt || fail "no template is named: $(cat err.txt)"
ask+=(--template plain)
head -1 ranks.txt | "${ask[@]}" >out.txt 2>err.txt || fail "answers of a model: $(cat err.txt)"
grep -q 'no answers to 1 prompt' err.txt || fail "a prompt without room for an answer is not reported: $(cat err.txt)"
[ "$(lines m.jsonl)" -eq 1 ] && [ "$(lines m.answers.jsonl)" -eq 4 ] || fail "files: $(cat m.jsonl m.answers.jsonl)"
cp m.answers.jsonl kept.jsonl
expect_error 1 'generated otherwise' "${ask[@]}" --temperature 0.5
grep -q 'temperature was 1.0, and is now 0.5' err.txt || fail "what differs is not named: $(cat err.txt)"
# An interrupted generation makes only what is missing, and the same as before.
sed -i '$d' m.answers.jsonl
printf '{"prompt": "the c' >>m.answers.jsonl
"${ask[@]}" <ranks.txt >out.txt 2>err.txt || fail "resumed answers: $(cat err.txt)"
cmp <(sort m.answers.jsonl) <(sort kept.jsonl) || fail "other answers after an interruption: $(diff m.answers.jsonl kept.jsonl)"
[ "$(lines m.jsonl)" -eq 3 ] || fail "the resumed session did not rank the rest: $(cat m.jsonl)"
expect_error 1 'rankings that people gave' "$gradus" rank run --prompts prompts.jsonl --out m.jsonl --simulated --template plain
# Two models share the answers, each with its own file of them, and the report compares them.
expect_ok "$gradus" pretrain recipe.toml --run.dir=run2 --train.steps=8 --optimizer.warmup=1 --model.context=64
head -n 2 ranks.txt >two.txt
"$gradus" rank run run2 --prompts prompts.jsonl --out both.jsonl --terminal --rater ada --samples 3 -n 12 --seed 5 --template plain <two.txt >out.txt 2>err.txt ||
    fail "two models: $(cat err.txt)"
grep -q '"models":\["run","run","run2"\]' both.jsonl && [ -s both.answers-2.jsonl ] || fail "whose answers? $(cat both.jsonl)"
grep -q "'run2' is preferred to 'run' in .* of 4 pairs" out.txt || fail "the models are not compared: $(cat out.txt)"
expect_error 2 '4 models cannot write 3 answers' "$gradus" rank run run2 run run2 --prompts prompts.jsonl --out x.jsonl --samples 3

mv run away
"${ask[@]}" <ranks.txt >out.txt 2>err.txt || fail "complete answers need the model: $(cat err.txt)"
grep -q 'nothing is left for ada' out.txt || fail "the session is not complete: $(cat out.txt)"
expect_ok "$gradus" rank --answers m.answers.jsonl --out again.jsonl --terminal --rater ada
echo passed
