# Shared by the tests of alignment: a tiny base model, and data for each stage. Sourced after check.sh.

# A question for a colour, a short right answer and a long wrong one: what tells them apart is learnt in a few steps.
write_pairs() {
    local colours=(red blue green white black grey brown pink) i x=7 c d
    for ((i = 0; i < 96; ++i)); do
        x=$(((x * 1103515245 + 12345) & 0x7fffffff))
        c=${colours[x / 64 % 8]} d=${colours[x / 4096 % 8]}
        echo "{\"prompt\": \"say $c $i\", \"chosen\": \"$c\", \"rejected\": \"no $d $d\"}"
    done
}

# base: a run of gradus pretrain; pairs.jsonl, demonstrations.jsonl, prompts.jsonl; *.toml: a recipe of each stage.
prepare_alignment() {
    write_pairs >pairs.jsonl
    sed 's/, "rejected.*/}/; s/"chosen"/"completion"/' pairs.jsonl >demonstrations.jsonl
    sed 's/, "chosen": \(".*"\), "rejected.*/, "answer": \1}/' pairs.jsonl >prompts.jsonl
    sed 's/.*"prompt": "\([^"]*\)", "chosen": "\([^"]*\)", "rejected": "\([^"]*\)".*/User: \1\nAssistant: \2 \3/' pairs.jsonl >text.txt
    expect_ok "$gradus" tokenizer train text.txt --vocab-size 288 --out prepared
    expect_ok "$gradus" data prepare text.txt --split tail --val-fraction 0.1 --tokenizer prepared --out prepared
    cat >pretrain.toml <<'TOML'
[run]
dir = "base"
[data]
dir = "prepared"
packing = "plain"
[model]
layers = 1
width = 32
heads = 2
context = 48
[train]
context = 32
batch = 8
steps = 40
[optimizer]
lr = 1e-2
[validation]
every = 0
TOML
    expect_ok "$gradus" pretrain pretrain.toml
    cat >sft.toml <<'TOML'
[run]
dir = "sft"
[model]
from = "base"
[sft]
data = ["demonstrations.jsonl"]
template = "plain"
[train]
batch = 8
micro_batch = 4
steps = 60
[optimizer]
lr = 1e-2
[checkpoint]
every = 15
background = false
TOML
    cat >reward.toml <<'TOML'
[run]
dir = "reward"
[model]
from = "sft"
[reward]
data = ["pairs.jsonl"]
val_share = 0.2
[train]
batch = 8
micro_batch = 4
steps = 60
[optimizer]
lr = 5e-3
[validation]
every = 25
[checkpoint]
every = 20
background = false
TOML
    cat >dpo.toml <<'TOML'
[run]
dir = "dpo"
[model]
from = "sft"
[dpo]
data = ["pairs.jsonl"]
[train]
batch = 8
micro_batch = 4
steps = 16
[optimizer]
lr = 1e-3
[checkpoint]
every = 5
background = false
TOML
    cat >ppo.toml <<'TOML'
[run]
dir = "ppo"
[model]
from = "sft"
[ppo]
prompts = ["prompts.jsonl"]
reward = "reward"
batch = 8
max_tokens = 8
epochs = 2
minibatches = 2
kl_target = 2
kl_horizon = 40
[train]
steps = 10
[optimizer]
lr = 1e-3
[checkpoint]
every = 3
background = false
TOML
    cat >grpo.toml <<'TOML'
[run]
dir = "grpo"
[model]
from = "sft"
[grpo]
prompts = ["prompts.jsonl"]
batch = 8
group = 4
max_tokens = 8
minibatches = 2
exact = true
beta = 0.02
[train]
steps = 10
[optimizer]
lr = 1e-3
[checkpoint]
every = 3
background = false
TOML
}

# The stages up to one of them, each in its folder.
align_up_to() {
    local stage
    for stage in sft reward; do
        expect_ok "$gradus" $stage $stage.toml
        [ $stage != "$1" ] || return 0
    done
}

# The value of a key of each line of a log.
values_of() { sed -n "s/.*\"$2\":\\([-0-9.e+]*\\).*/\\1/p" "$1/log.jsonl"; }

# judge: a model that has learnt to compare from 64 of the pairs; held.jsonl: the others; principles.txt and wording.toml fit its
# short context.
prepare_judge() {
    cat >wording.toml <<'TOML'
critique = "{answer} {principle}"
revision = "{prompt} {principle} {answer}{critique}"
judge = "{prompt} A {answer_a} B {answer_b} {principle}"
lead = ""
TOML
    echo '? | ? | !' >principles.txt
    local ask='"prompt": "\1 A' pair='{"prompt": "\([^"]*\)", "chosen": "\([^"]*\)", "rejected": "\([^"]*\)"}'
    tail -32 pairs.jsonl >held.jsonl
    head -64 pairs.jsonl | sed "s/$pair/{$ask \\2 B \\3 ?\", \"completion\": \"A\"}\\n{$ask \\3 B \\2 ?\", \"completion\": \"B\"}/" >comparisons.jsonl
    expect_ok "$gradus" sft sft.toml --run.dir=judge '--sft.data=["comparisons.jsonl"]' --train.batch=16 --train.steps=200 \
        --optimizer.warmup=0.1 --checkpoint.every=0
}

# same_values RUN RUN KEY TOLERANCE [LINES]: in their logs, up to that relative or absolute difference.
same_values() {
    [ "$(values_of "$1" "$3" | wc -l)" -gt 0 ] || fail "$1 has no $3"
    paste <(values_of "$1" "$3") <(values_of "$2" "$3") | head -n "${5:-1000}" |
        awk -v t="$4" '{ d = $1 - $2; if (d < 0) d = -d; a = $1 < 0 ? -$1 : $1; if (NF != 2 || !(d <= t * (a > 1 ? a : 1))) exit 1 }' ||
        fail "$3 of $1 differs from $2: $(paste <(values_of "$1" "$3") <(values_of "$2" "$3"))"
}

# What a run leaves behind, without what differs from run to run.
result_of() {
    steps_of "$1"
    [ ! -e "$1/samples.jsonl" ] || cat "$1/samples.jsonl"
    (cd -P "$1/checkpoints/latest" && find . -type f ! -name manifest.json | sort | xargs md5sum)
}
