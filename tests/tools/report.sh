#!/usr/bin/env bash
# The page of a run: complete, self-contained, and valid whatever a log, a sample or a name contains.
source "$(dirname "$0")/helpers/check.sh"

mkdir run
for ((i = 1; i <= 300; ++i)); do
    line="{\"step\":$i,\"loss\":$((300 / i + 2)).5,\"grad_norm\":1.5,\"lr\":0.001,\"ms\":10.5,\"tokens\":128"
    [ $((i % 50)) -eq 0 ] && line+=",\"val_loss\":2.5,\"val_bits_per_byte\":1.25"
    echo "$line}"
done >run/log.jsonl
expect_ok "$gradus" report run --out page.html
grep -q '</html>' page.html || fail "the page is incomplete"
grep -q '1.2500' page.html || fail "the page lacks the validation's bits per byte"
! grep -qE '(src|href)=|<script|url\(' page.html || fail "the page needs other files"

echo '[{"name": "a <yard> & stick", "bits_per_byte": 1.75}]' >run/extra.json
echo '{"step":300,"prompt":"<script>alert(1)</script>","text":"a < b & c"}' >run/samples.jsonl
printf '[train]\nsteps = 300\n' >run/recipe.toml
expect_ok "$gradus" report run
grep -q 'a &lt;yard&gt; &amp; stick 1.750' run/report.html || fail "the baseline is not drawn"
grep -q '&lt;script&gt;' run/report.html || fail "the sample is not shown as text"
! grep -q '<script' run/report.html || fail "a sample became a script"

# Odd, damaged or nearly empty logs still give a page.
for log in '{"step":1,"loss":2.5}' '{"step":1,"loss":1e308}
{"step":2,"loss":-1e308}' '{"step":1,"loss":2}
nonsense
{"step":2,"loss":"high"}
{"step":3,"loss":null,"ms":-1}
{"step":1e300,"loss":1}
{"step":2,"loss":2.0000000000000004}
{"step":4,"lo'; do
    rm -rf odd && mkdir odd
    printf '%s\n' "$log" >odd/log.jsonl
    expect_ok timeout 20 "$gradus" report odd
    grep -q '</html>' odd/report.html || fail "the page of an odd log is incomplete"
done

# Samples and steps without a valid step number are skipped.
echo '{"step":1,"loss":2}' >odd/log.jsonl
printf '%s\n' '{"prompt":"nowhere","text":"x"}' '{"step":1e300,"prompt":"nowhere","text":"x"}' \
    '{"step":null,"prompt":"nowhere","text":"x"}' '{"step":-5,"prompt":"nowhere","text":"x"}' \
    '{"step":1,"prompt":"somewhere","text":"x"}' >odd/samples.jsonl
expect_ok "$gradus" report odd
grep -q somewhere odd/report.html || fail "the sample of step 1 is not shown"
! grep -q nowhere odd/report.html || fail "a sample without a step is shown"

printf 'nonsense\n' >odd/log.jsonl
expect_error 1 'has no step' "$gradus" report odd
echo '{"step":1,"loss":2}' >odd/log.jsonl
echo '{"name": "x"}' >odd/extra.json
expect_error 1 'baselines' "$gradus" report odd
rm odd/extra.json
expect_error 1 'cannot write' "$gradus" report odd --out no/such/folder.html
echo passed
