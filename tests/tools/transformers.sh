#!/usr/bin/env bash
# Folders that transformers saved with its own defaults: eval and generate agree with transformers, also for the folders that
# convert makes of them. The goldens are made by tools/generate/folder_goldens.py.
source "$(dirname "$0")/helpers/check.sh"
goldens=$root/tests/goldens/folders

# agrees NAME MODEL: the loss of the text and every greedy continuation.
cat >agrees.py <<'PY'
import json, subprocess, sys
program, goldens, name, model = sys.argv[1:]
golden = json.load(open(f"{goldens}/golden.json"))[name]
def ask(*arguments):
    done = subprocess.run([program, *arguments], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{arguments} failed: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]
said = ask("eval", model, "--text", f"{goldens}/text.txt", "--context", str(golden["context"]), "--json")[0]
if said["tokens"] != len(golden["ids"]) - 1 or not abs(said["nats_per_token"] - golden["nats_per_token"]) < 1e-5:
    sys.exit(f"eval says {said}, transformers {golden['nats_per_token']}")
for prompt, ids in golden["greedy"].items():
    got = ask("generate", model, "--prompt", prompt, "--temperature", "0", "--max-tokens", str(golden["new"]), "--json")[0]
    end = 2 if name == "llama" else None
    if got["ids"] != [i for i in ids if i != end]:
        sys.exit(f"after {prompt!r}: {got['ids']} instead of {ids}")
PY
agrees() { python3 agrees.py "$gradus" "$goldens" "$1" "$2" || fail "$2 differs from transformers"; }
same_files() { for name in "${@:3}"; do cmp "$1/$name" "$2/$name" || fail "$name of $2 differs"; done; }

for name in gpt2 llama; do
    agrees $name "$goldens/$name"
    expect_ok "$gradus" convert "$goldens/$name" $name
    agrees $name $name
    same_files "$goldens/$name" $name tokenizer.json tokenizer_config.json generation_config.json
done
"$gradus" tokenizer encode --tokenizer gpt2 <"$goldens/text.txt" >ids.txt
"$gradus" tokenizer decode --tokenizer gpt2 <ids.txt | cmp - "$goldens/text.txt" || fail "decode(encode(x)) is another text"

# The default end-of-text of a GPT-2 is outside this vocabulary: only a note.
expect_ok "$gradus" eval "$goldens/gpt2" --text "$goldens/text.txt"
grep -q 'note.*end-of-text id 50256, which is not an id of a vocabulary of 311' err.txt || fail "no note: $(cat err.txt)"
[ "$(grep -c note err.txt)" -eq 1 ] || fail "the same note about two files is printed twice: $(cat err.txt)"
expect_ok "$gradus" eval "$goldens/llama" --text "$goldens/text.txt"
! grep -q note err.txt || fail "an unnecessary note: $(cat err.txt)"

# Through another program's file format, with the tokenizer copied back.
expect_ok "$gradus" convert gpt2 gpt2.bin --to llmc
expect_ok "$gradus" convert gpt2.bin back
cp gpt2/tokenizer.json back
python3 - <<'PY' || fail "the folder cannot be marked"
import json
config = json.load(open("back/config.json"))
config["transformers_version"] = "5"  # whose prompts begin with nothing
json.dump(config, open("back/config.json", "w"))
PY
agrees gpt2 back

# Every end-of-text id ends a text: the third id of the golden's, alone, in a list, in either file.
python3 - "$goldens" <<'PY' || fail "the folders cannot be created"
import json, os, shutil, sys
ids = json.load(open(f"{sys.argv[1]}/golden.json"))["gpt2"]["greedy"]["A step"]
end = next(i for n, i in enumerate(ids) if n > 0 and i not in ids[:n])
json.dump(ids[:ids.index(end)], open("expected.json", "w"))
for name, config, generation in (("a", end, None), ("b", [300, end], None), ("c", 300, end), ("d", 300, [300, end]), ("e", end, 50256)):
    shutil.copytree(f"{sys.argv[1]}/gpt2", name)
    os.remove(f"{name}/generation_config.json")
    c = json.load(open(f"{name}/config.json")) | {"eos_token_id": config}
    json.dump(c, open(f"{name}/config.json", "w"))
    if generation is not None:
        json.dump({"eos_token_id": generation}, open(f"{name}/generation_config.json", "w"))
PY
for name in a b c d e; do
    expect_ok "$gradus" generate $name --prompt 'A step' --temperature 0 --max-tokens 12 --json
    python3 - <<'PY' || fail "$name did not end where it should: $(cat out.txt)"
import json
got = json.load(open("out.txt"))
assert got["ids"] == json.load(open("expected.json")) and got["finish_reason"] == "end_of_text", got
PY
done

# Errors in a file are three lines.
cp -r "$goldens/gpt2" broken
rm broken/generation_config.json
for text in '' '{' '[]' '{"model_type": "gpt2"}' '{"model_type": "x\ny"}'; do
    printf '%s' "$text" >broken/config.json
    expect_error 1 'config.json' "$gradus" eval broken --text "$goldens/text.txt"
done
sed 's/50256/0/' "$goldens/gpt2/config.json" >broken/config.json
for text in '' '{' '[]' '{"model": 5}' '{"model": {"type": "a\nb"}, "normalizer": {"type": "c\nd"}}'; do
    printf '%s' "$text" >broken/tokenizer.json
    expect_error 1 'tokenizer.json' "$gradus" eval broken --text "$goldens/text.txt"
done
echo passed
