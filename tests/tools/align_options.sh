#!/usr/bin/env bash
# Options of the stages that align a model: what each does, and that a run with it, stopped and resumed, ends as an undisturbed
# one, and on two ranks begins as on one.
source "$(dirname "$0")/helpers/check.sh"
source "$root/tests/tools/helpers/align.sh"
stop_at=$(dirname "$gradus")/tests/stop_at.so
[ -e "$stop_at" ] || fail "there is no $stop_at: build the target stop_at"
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
prepare_alignment
align_up_to reward

# undisturbed_and_resumed RUN STAGE OPTION…: the run, and again with a request to stop after some steps.
undisturbed_and_resumed() {
    local run=$1 stage=$2
    shift 2
    expect_ok "$gradus" "$stage" "$stage.toml" --run.dir="$run" "$@"
    result_of "$run" >whole.txt
    mv "$run" "$run.whole"
    STOP_SIGNAL=15 STOP_AT=4 LD_PRELOAD=$stop_at "$gradus" "$stage" "$stage.toml" --run.dir="$run" "$@" >out.txt 2>err.txt ||
        fail "$run, asked to stop, ended with $?: $(cat err.txt)"
    grep -q '^stopped; ' out.txt || fail "$run was not stopped: $(cat out.txt)"
    expect_ok "$gradus" "$stage" "$run"
    result_of "$run" | cmp - whole.txt || fail "$run, stopped and resumed, differs: $(result_of "$run" | diff - whole.txt | head -5)"
}

# ---- ppo: pre-training text ----------------------------------------------------------------------------------------------
text=(--ppo.ptx_weight=5 --ppo.ptx_rows=3 --data.dir=prepared)
undisturbed_and_resumed ptx ppo "${text[@]}"
awk 'NR == 1 { first = $1 } END { exit !(NR == 10 && $1 < 0.8 * first) }' <(values_of ptx ptx_loss) ||
    fail "the loss of pre-training text does not fall: $(values_of ptx ptx_loss)"
sed 's/say/tell/' text.txt >other.txt
expect_ok "$gradus" data prepare other.txt --split tail --val-fraction 0.1 --tokenizer prepared --out elsewhere
expect_error 1 'with different data' "$gradus" ppo ptx --data.dir=elsewhere
# ---- on two ranks --------------------------------------------------------------------------------------------------------
source "$root/tests/tools/helpers/ranks.sh"
for mesh in dp tp; do
    expect_ok on_ranks 2 "$gradus" ppo ppo.toml --run.dir=ptx-$mesh --mesh.$mesh=2 "${text[@]}"
    for key in ptx_loss grad_norm score kl; do same_values ptx-$mesh ptx $key 1e-4 1; done
done
echo passed
