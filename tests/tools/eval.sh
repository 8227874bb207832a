#!/usr/bin/env bash
# eval on the validation data of a run repeats the run's validation; eval on files reads them as every command does.
source "$(dirname "$0")/helpers/check.sh"
prepare_data
write_recipe

# The value of a key of the last line of a file.
value_of() { sed -n '$s/.*"'"$1"'":\([^,}]*\).*/\1/p' "$2"; }
# same A B: they agree to the seventh digit.
same() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(b > 0 && (a / b - 1) ^ 2 < 1e-14) }'; }
# expect_validation RUN OPTION…: eval's result equals the last line of the run's log.
expect_validation() {
    local run=$1
    shift
    expect_ok "$gradus" eval "$@" --json
    [ -n "$(value_of val_loss $run/log.jsonl)" ] || fail "$run did not validate in its last step"
    same "$(value_of nats_per_token out.txt)" "$(value_of val_loss $run/log.jsonl)" ||
        fail "eval $*: $(cat out.txt) is not the validation: $(tail -1 $run/log.jsonl)"
    same "$(value_of bits_per_byte out.txt)" "$(value_of val_bits_per_byte $run/log.jsonl)" ||
        fail "eval $*: other bits per byte: $(cat out.txt) than $(tail -1 $run/log.jsonl)"
}

# One stream of characters in plain windows, of which the first 40 count.
expect_ok "$gradus" pretrain recipe.toml --run.dir=plain
expect_validation plain plain
for folder in plain/checkpoints/latest plain/checkpoints/step-00000060; do expect_validation plain $folder; done
expect_ok "$gradus" eval plain
grep -q '^text .*prepared/val, the first 40 of [0-9]* windows$' out.txt || fail "the name of the data is not printed: $(cat out.txt)"
expect_ok "$gradus" eval plain --context 8 --json
[ "$(value_of context out.txt)" -eq 8 ] || fail "--context 8 is not used: $(cat out.txt)"
[ "$(value_of tokens out.txt)" -eq 320 ] || fail "40 windows of 8 are not 320 tokens: $(cat out.txt)"

# Documents in masked windows, shorter than the model's context, all of them; also in bf16.
awk '{ printf "{\"text\": \"%s\"}\n", $0 }' text.txt >lines.jsonl
expect_ok "$gradus" data prepare lines.jsonl --min-bytes 1 --val-fraction 0.2 --out documents
expect_ok "$gradus" tokenizer train documents --vocab-size 300 --out documents
expect_ok "$gradus" data prepare documents --tokenizer documents --out documents
for dtype in f32 bf16; do
    expect_ok "$gradus" pretrain recipe.toml --run.dir=masked-$dtype --data.dir=documents --data.packing=masked --train.dtype=$dtype \
        --validation.windows=0 --model.context=32 --train.steps=20
    expect_validation masked-$dtype masked-$dtype --dtype $dtype
    [ "$(value_of context out.txt)" -eq 16 ] || fail "the window is not the run's window: $(cat out.txt)"
done
# The validation shards by their own names.
expect_ok "$gradus" pretrain recipe.toml --run.dir=named --data.dir= --data.train='["documents/train"]' \
    --data.val='["documents/val"]' --train.steps=5
expect_validation named named

# Validation data that cannot be used.
mv documents elsewhere
expect_error 1 'validation data .* does not exist' "$gradus" eval masked-f32
expect_error 1 'documents/val' "$gradus" eval named
mv elsewhere documents
cp documents/tokenizer.json kept.json
expect_ok "$gradus" tokenizer train documents --vocab-size 290 --out documents
expect_ok "$gradus" data prepare documents --tokenizer documents --out documents
expect_error 1 'is not the one that made .documents/val.bin' "$gradus" eval masked-f32
cp -rL plain/checkpoints/latest copy
rm -r copy/gradus
expect_error 1 'gradus eval copy --text FILE' "$gradus" eval copy

# All commands share one reader: compressed files are read as the text in them.
head -40 text.txt >val.txt
gzip -c val.txt >val.txt.gz
gzip -c val.txt.gz >val.txt.gz.gz
gzip -c val.txt >named-otherwise.txt
printf '\x50\x2a\x4d\x18\x04\x00\x00\x00abcd' >frame
awk '{ printf "%s%s\\n", NR == 1 ? "{\"text\": \"" : "", $0 } END { print "\"}" }' val.txt >val.jsonl
printf '{"other": 1e400, "text": "unread", "text": 2}\n' >twice.jsonl
expect_ok "$gradus" data prepare val.jsonl --val-fraction 0 --out packed
cat frame packed/train.jsonl.zst >val.jsonl.zst
expect_ok "$gradus" eval plain --text val.txt --json
cp out.txt of_val.txt
for file in val.txt.gz val.txt.gz.gz named-otherwise.txt val.jsonl val.jsonl.zst; do
    expect_ok "$gradus" eval plain --text $file --json
    cmp out.txt of_val.txt || fail "$file is not the text of val.txt: $(cat out.txt) instead of $(cat of_val.txt)"
    expect_ok "$gradus" tokenizer train $file --kind char --out "char-$file"
    cmp char-$file/tokenizer.json char-val.txt.gz/tokenizer.json || fail "$file gives another tokenizer"
done
expect_ok "$gradus" eval plain --text <(cat val.txt) --json
cmp out.txt of_val.txt || fail "a pipe is not read as text: $(cat out.txt)"
expect_ok "$gradus" eval plain --text <(gzip -c val.txt) --json
cmp out.txt of_val.txt || fail "a compressed pipe is not read as text: $(cat out.txt)"
bench() { "$gradus" bench tokenizer --tokenizer prepared --repeat 1 --json --input "$1" | sed 's/"seconds":[^,]*,//'; }
bench val.txt >of_val.txt
for file in val.txt.gz.gz val.jsonl.zst; do
    bench $file | cmp - of_val.txt || fail "bench tokenizer reads $file differently"
done
# A file of prompts, one per line; a text without its last newline.
printf '{"text": "the cat"}\n\n{"text": "a dog"}\n' | gzip >prompts.jsonl.gz
expect_ok "$gradus" generate plain --prompt-file prompts.jsonl.gz -n 2 --json --temperature 0
cp out.txt of_file.txt
expect_ok "$gradus" generate plain -p 'the cat' -p 'a dog' -n 2 --json --temperature 0
cmp <(sed 's/"tokens_per.*//' out.txt) <(sed 's/"tokens_per.*//' of_file.txt) || fail "the prompts of a file differ: $(cat of_file.txt)"
echo 'the cat' | gzip >prompt.gz
expect_ok "$gradus" generate plain --prompt-file prompt.gz -n 2 --json
[ "$(wc -l <out.txt)" -eq 1 ] && grep -q '"prompt":"the cat"' out.txt || fail "the prompt of a file differs from its text: $(cat out.txt)"
sed 's/"text"/"body"/' val.jsonl >body.jsonl
expect_error 1 'fix: .*--text-key KEY' "$gradus" eval plain --text body.jsonl
expect_ok "$gradus" eval plain --text body.jsonl --text-key body --json
cmp out.txt <("$gradus" eval plain --text val.txt --json) || fail "the text under another key differs: $(cat out.txt)"
expect_error 1 'fix: .*--text-key KEY' "$gradus" generate plain --prompt-file body.jsonl
echo '{"body": "the cat"}' >short.jsonl
expect_ok "$gradus" generate plain --prompt-file short.jsonl --text-key body -n 1
expect_ok "$gradus" bench tokenizer --tokenizer prepared --input body.jsonl --text-key body --repeat 1
# Documents are separated as in training: the end-of-text between them is predicted too.
expect_ok "$gradus" eval masked-f32 --text val.txt --json
ids=$(value_of tokens out.txt)
cp val.txt again.txt
expect_ok "$gradus" eval masked-f32 --text val.txt again.txt --json
[ "$(value_of tokens out.txt)" -eq $((2 * ids + 2)) ] || fail "two texts of $ids + 1 tokens are not $((2 * ids + 2)): $(cat out.txt)"

# Names that contradict the content, in every command that reads text.
head -c 5000 /dev/zero | tr '\0' 'x' >junk.txt.gz
cp junk.txt.gz junk.jsonl.zst
head -c 100 val.txt.gz >cut.txt.gz
printf '%%PDF-1.7\n' >document.txt
printf '{"text": "fine"}\n{"text": 5}\n' >bad.jsonl
for file in junk.txt.gz junk.jsonl.zst cut.txt.gz bad.jsonl; do
    expect_error 1 "$file" "$gradus" eval plain --text $file
    expect_error 1 "$file" "$gradus" generate plain --prompt-file $file
    expect_error 1 "$file" "$gradus" bench tokenizer --tokenizer prepared --input $file
    expect_error 1 "$file" "$gradus" tokenizer train $file --out junk
    expect_error 1 "$file" "$gradus" data prepare $file --out junk
done
expect_error 1 'it is a binary file' "$gradus" eval plain --text document.txt
expect_error 1 'it is a binary file' "$gradus" eval plain --text val.txt document.txt
mkdir mixed
cp val.txt document.txt mixed
touch mixed/a.xyz
expect_ok "$gradus" tokenizer train mixed --kind char --out mixed
grep -q '^note: skipped: 1 document: 1 not_text; 1 file of another kind: 1 .xyz' err.txt || fail "skipped documents are not reported: $(cat err.txt)"
echo passed
