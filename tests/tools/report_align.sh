#!/usr/bin/env bash
# The page of sft, reward, dpo, ppo and grpo, and of all stages of one model: what it shows, where its links lead, and that
# nothing that a model, a log or a name contains breaks it.
source "$(dirname "$0")/helpers/check.sh"
source "$root/tests/tools/helpers/align.sh"
prepare_alignment
for stage in sft reward dpo ppo grpo; do expect_ok "$gradus" $stage $stage.toml; done

# shows PAGE TEXT…: all of them.
shows() {
    local page=$1 text
    for text in "${@:2}"; do grep -qF -- "$text" "$page" || fail "$page lacks '$text'"; done
}
# A page is complete, needs no other file, and its links lead somewhere.
check_page() {
    local page=$1 target
    shows "$page" '</html>'
    ! grep -qE 'src=|<script|<link|url\(|@import' "$page" || fail "$page needs other files"
    { grep -oE 'href="[^"]*"' "$page" || true; } | sort -u | sed 's/href="//; s/"//' >targets.txt
    while read -r target; do
        case $target in
        \#*) grep -qE "id=\"?${target#\#}[ >]" "$page" || fail "$page has no part $target" ;;
        *.html) [ -e "$(dirname "$page")/$target" ] || fail "$page links to $target, which is not there" ;;
        *) fail "$page links to $target" ;;
        esac
    done <targets.txt
    grep -o ' id=[^ >]*' "$page" | sort | uniq -d >twice.txt
    [ ! -s twice.txt ] || fail "$page uses ids twice: $(head -n 3 twice.txt)"
    ! grep -qE '(="|[ ,LM])-?(nan|inf)' "$page" || fail "$page draws what is no number: $(grep -oE '.{20}(="|[ ,LM])-?(nan|inf).{10}' "$page" | head -3)"
}

# What the commands log for the page.
[ "$(values_of reward val_pairs | tail -n 1)" = 27.0 ] || fail "reward does not log its pairs: $(tail -n 1 reward/log.jsonl)"
grep -qE '"val_calibration":\[\[0?\.?[0-9.e-]+,[0-9.]+,[0-9.]+\]' reward/log.jsonl || fail "no calibration: $(tail -n 1 reward/log.jsonl)"
[ "$(values_of dpo val_pairs | tail -n 1)" = 6.0 ] || fail "dpo does not log its pairs: $(tail -n 1 dpo/log.jsonl)"

# Each stage alone. A page that does not exist yet is not linked, but there is the command that makes it.
for stage in sft reward dpo ppo grpo; do
    expect_ok "$gradus" report $stage
    grep -q "^$stage/report.html$" out.txt || fail "report printed: $(cat out.txt)"
    check_page $stage/report.html
done
shows sft/report.html 'Loss, nats per token' 'Learnt tokens per second' 'gradus report base'
shows reward/report.html 'Calibration: predicted against observed' 'by length alone' 'chance 0.500' 'of a step' '27 pairs' 'href="../sft/report.html"'
shows dpo/report.html 'Implicit rewards' 'Margin: ' 'log p of the answers' '6 pairs'
for stage in ppo grpo; do
    shows $stage/report.html 'Score against KL to the reference' 'KL to the reference, nats per answer' 'Entropy, nats per token' \
        'ratio is clipped' 'Probability ratio' 'Length of the answers' 'that ended within max_tokens' 'Policy loss' \
        'Learning rate' 'Norm of the gradient' 'What it writes' 'all 30 samples' 'step 10'
done
shows ppo/report.html 'Explained variance' 'kl_target 2' 'weight of the KL penalty' 'reward model <a href="../reward/report.html" title="reward">reward</a>'
shows grpo/report.html 'Groups that teach nothing'
! grep -q 'Explained variance' grpo/report.html || fail "grpo has no value model"

# All stages on one page; the table of stages is that above the runs.
expect_ok "$gradus" stages pretrain=base sft=sft ppo=ppo --template plain --prompts prompts.jsonl --count 9 --max-tokens 8 \
    --reward reward --reference sft --out stages.json
[ "$(grep -c '"prompt":' stages.json)" -eq 24 ] || fail "stages.json has not 8 answers of each stage: $(cat stages.json)"
expect_ok "$gradus" report base sft reward ppo
grep -q '^report.html$' out.txt || fail "report printed: $(cat out.txt)"
check_page report.html
shows report.html '<h1 id=run1>base' '<h1 id=run4>ppo' 'The stages side by side' '<a href="#run4" title="ppo">ppo</a>' 'from <a href="#run1" title="base">base</a>' \
    'answered by all stages' 'reward model <a href="#run3" title="reward">reward</a>'
shows report.html "$(sed -n '1s/.*"prompt": "\([^"]*\)".*/\1/p' prompts.jsonl)"
expect_ok "$gradus" report ppo
shows ppo/report.html 'The stages side by side' 'href="../sft/report.html" title="sft">sft'
# Runs of one stage are compared; a folder with nothing but a table is a page of it.
expect_ok "$gradus" ppo ppo.toml --run.dir=held --ppo.beta=1 --ppo.kl_target=0
expect_ok "$gradus" report ppo held --out compared.html
check_page compared.html
shows compared.html 'Runs of ppo compared' '<i class=s1></i>held'
mkdir only && cp stages.json only
expect_ok "$gradus" report only
check_page only/report.html
shows only/report.html 'The stages side by side'
echo '{"stage": 1}' >only/stages.json
expect_error 1 'not a table of stages' "$gradus" report only
# Runs that share no folder need a name for the page.
if [ -w /dev/shm ] && [[ $work != /dev/* ]]; then
    apart=$(mktemp -d -p /dev/shm)
    trap 'rm -rf "$work" "$apart"' EXIT
    cp ppo/log.jsonl "$apart"
    expect_error 1 'no place for the page' "$gradus" report ppo "$apart"
    expect_ok "$gradus" report ppo "$apart" --out page.html
fi

# Runs that are still running, were interrupted and resumed, or damaged.
for stage in reward dpo ppo grpo; do
    mkdir live && cp $stage/recipe.toml live
    head -n 5 $stage/log.jsonl >live/log.jsonl                       # until step 5
    sed -n 3,8p $stage/log.jsonl >>live/log.jsonl                    # resumed from step 2
    sed -n 9p $stage/log.jsonl | sed 's/"loss":[^,]*/"loss":null/; s/"kl":[^,]*/"kl":null/; s/,"entropy":[^,]*//' >>live/log.jsonl
    echo 'nonsense' >>live/log.jsonl
    sed -n 10p $stage/log.jsonl | head -c 60 >>live/log.jsonl        # being written
    printf '{"step":4,"prompt":"\xff<script>","text":"\xc3\x28</pre>\x00\x1b]0;x","score":null,"ended":false}\n{"step":' >live/samples.jsonl
    printf '{"step":5,"prompt":"<b>\\u0000\\ud83d\\ude00","text":"\\u001b[2J</details>&","score":1e999}\n{"step":6,"pro' >>live/samples.jsonl
    expect_ok "$gradus" report live
    check_page live/report.html
    shows live/report.html ">$stage, 9 of " '1 line of the log could not be read'
    ! grep -qE '<b>.?<b>|</details>&' live/report.html || fail "a sample became HTML"
    rm -r live
done
mkdir begun && cp ppo/recipe.toml begun && : >begun/log.jsonl
expect_error 1 'has no step' "$gradus" report begun
expect_ok "$gradus" report ppo begun --out page.html
shows page.html 'has no step'
expect_error 1 'no run in' "$gradus" report ppo absent
# A log without a recipe tells its stage itself.
mkdir bare && cp ppo/log.jsonl bare
expect_ok "$gradus" report bare
shows bare/report.html 'ppo, 10 steps' 'Explained variance'
# A long log gives a page of a few hundred kilobytes.
awk 'BEGIN { for (i = 1; i <= 60000; ++i) printf "{\"step\":%d,\"loss\":%g,\"kl\":%g,\"score\":%g,\"entropy\":1,\"without_spread\":0}\n", i, sin(i), i / 1e4, log(i) }' >bare/log.jsonl
expect_ok "$gradus" report bare
check_page bare/report.html
[ "$(stat -c %s bare/report.html)" -lt 300000 ] || fail "the page has $(stat -c %s bare/report.html) bytes"
shows bare/report.html 'step 60,000'
echo passed
