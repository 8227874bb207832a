#!/usr/bin/env bash
# Runs of several ranks, started as by a user: the losses of one rank, also after kills; mismatches are refused.
source "$(dirname "$0")/helpers/check.sh"
source "$root/tests/tools/helpers/ranks.sh"

prepare_data
write_recipe
steps=(--set train.steps=40 --set checkpoint.every=5 --set optimizer.warmup=4 --set validation.every=0)
train=("$gradus" pretrain recipe.toml "${steps[@]}" --set)

# Every mesh has the losses of one rank.
expect_ok "${train[@]}" run.dir=one
for mesh in 'dp=2 tp=1' 'dp=1 tp=2' 'dp=2 tp=2' 'dp=4 tp=1'; do
    read -r dp tp <<<"$mesh"
    run="mesh-${dp#dp=}-${tp#tp=}"
    expect_ok on_ranks $((${dp#dp=} * ${tp#tp=})) "${train[@]}" "run.dir=$run" --set "mesh.$tp"
    same_losses one "$run" || fail "the losses of $mesh differ: $(tail -1 "$run/log.jsonl") instead of $(tail -1 one/log.jsonl)"
    [ "$(grep -c '^model' out.txt)" -eq 1 ] || fail "more than one rank prints: $(cat out.txt)"
done
expect_ok "${train[@]}" run.dir=muon --set optimizer.kind=muon
expect_ok on_ranks 2 "${train[@]}" run.dir=muons --set optimizer.kind=muon
same_losses muon muons || fail "Muon on two ranks differs"
# train.minutes on two ranks: the steps are set, and the first ones run; then the ranks are stopped, since the machine may be slow.
on_ranks 2 "$gradus" pretrain recipe.toml --set run.dir=minutes --set train.minutes=1 --set optimizer.warmup=1 \
    --set checkpoint.every=0 --set validation.every=0 >minutes.txt 2>&1 &
wait_for_lines minutes/log.jsonl 2
kill -USR1 "$(mpirun_below $!)"
wait $! || fail "a run with train.minutes ended with $?: $(cat minutes.txt)"
grep -q 'steps fit into 1 minute' minutes.txt || fail "no steps were counted: $(cat minutes.txt)"
expect_ok "$gradus" generate mesh-2-2 --prompt 'the ' --max-tokens 5

# A run started on four ranks is resumed on two, and on one.
expect_ok on_ranks 4 "${train[@]}" run.dir=moved --set mesh.tp=2 --set train.steps=40 --set checkpoint.every=1 --set train.minutes=0
rm -r moved/checkpoints/step-00000040
expect_ok on_ranks 2 "${train[@]}" run.dir=moved
same_losses one moved || fail "the run on other ranks differs"
ls moved/events.out.tfevents.* >/dev/null || fail "there is no file of events"

# SIGUSR1 to mpirun: saved, status 0, and resumed without a difference.
long=(--set train.steps=100000 --set optimizer.schedule=constant)
on_ranks 2 "${train[@]}" run.dir=asked "${long[@]}" >asked.txt 2>&1 &
wait_for_lines asked/log.jsonl 12
kill -USR1 "$(mpirun_below $!)"
status=0
wait $! || status=$?
[ "$status" -eq 0 ] || fail "asked to stop, the job ended with $status: $(cat asked.txt)"
grep -q 'stopped; resume: mpirun -n 2 gradus pretrain asked/recipe.toml' asked.txt || fail "it printed: $(cat asked.txt)"
done_steps=$(wc -l <asked/log.jsonl)
[ -d "asked/checkpoints/$(printf 'step-%08d' "$done_steps")" ] || fail "step $done_steps was not saved"

# One rank is killed at a random moment, repeatedly: the supervisor restarts all ranks, and the run is bit-identical to an
# uninterrupted one. Partial files are never used, and nothing hangs. GRADUS_KILLS=20 for more.
kills=${GRADUS_KILLS:-3}
[ -z "${GRADUS_SLOW:-}" ] || kills=1
disturbed=(--set train.steps=$((100 + 250 * kills)) --set checkpoint.every=10 --set mesh.tp=2 --set mesh.silence=20)
expect_ok on_ranks 4 "${train[@]}" run.dir=undisturbed "${disturbed[@]}"
"${train[@]}" run.dir=killed "${disturbed[@]}" --launch "$(launcher 4)" --auto-resume >killed.txt 2>&1 &
supervisor=$!
for ((kill = 0, seen = 0; kill < kills; ++kill)); do
    # Counted in steps, so that a fast machine has not finished the run before.
    wait_for_lines killed/log.jsonl $((seen + 12 + RANDOM % 100))
    victim=$(ranks_of | shuf -n 1)
    seen=$(wc -l <killed/log.jsonl)
    [ -z "$victim" ] || kill -9 "$victim" 2>/dev/null || true
done
status=0
wait $supervisor || status=$?
[ "$status" -eq 0 ] || fail "the run that lost ranks ended with $status: $(cat killed.txt)"
grep -q 'restarting in .*, from step [0-9]' killed.txt || fail "no restart is reported: $(cat killed.txt)"
cmp <(losses_of undisturbed) <(losses_of killed) || fail "the run that lost ranks differs"
echo "ranks were lost $(grep -c 'a rank was lost' killed.txt) times"

# A rank that is stopped but alive: the others name it and end with the status of a lost rank.
on_ranks 2 "${train[@]}" run.dir=stopped "${long[@]}" --set mesh.silence=3 >stopped.txt 2>&1 &
job=$!
wait_for_lines stopped/log.jsonl 5
victim=$(ranks_of | tail -1)
kill -STOP "$victim"
status=0
wait $job || status=$?
kill -KILL "$victim" 2>/dev/null || true
[ "$status" -eq 75 ] || fail "ranks that lost one ended with $status: $(cat stopped.txt)"
grep -q 'is lost' stopped.txt && grep -q 'at step [0-9]' stopped.txt || fail "the lost rank is not named: $(cat stopped.txt)"

# A rank that is killed without a supervisor: another one names it immediately and prints how to resume, which works.
for lost in 0 1; do
    on_ranks 2 "${train[@]}" run.dir=bereft "${long[@]}" --set mesh.silence=100 >bereft.txt 2>&1 &
    job=$!
    wait_for_lines bereft/log.jsonl $((12 + 40 * lost))
    for victim in $(ranks_of); do
        tr '\0' '\n' <"/proc/$victim/environ" | grep -qx "OMPI_COMM_WORLD_RANK=$lost" && kill -9 "$victim"
    done
    status=0
    wait $job || status=$?
    [ "$status" -eq 75 ] || [ "$status" -eq 137 ] || fail "ranks of which one was killed ended with $status: $(cat bereft.txt)"
    [ "$(grep -c '^\[rank [0-9]*\] error: ' bereft.txt)" -eq 1 ] || fail "it is not exactly one rank that prints: $(cat bereft.txt)"
    grep -A2 "^\[rank $((1 - lost))\] error: rank $lost on '.*' has disappeared" bereft.txt |
        grep -q 'fix: .*; then resume: mpirun -n 2 gradus pretrain bereft/recipe.toml$' || fail "the killed rank is not named: $(cat bereft.txt)"
done

# Divergence affects all ranks equally: steps are skipped, the run rolls back, and finally one rank reports the failure.
expect_rank_error 'training diverged at step' 2 "${train[@]}" run.dir=diverged --set optimizer.lr=100 --set optimizer.clip=0 \
    --set train.steps=400 --set optimizer.warmup=0 --set optimizer.schedule=constant --set checkpoint.every=1 \
    --set optimizer.weight_decay=100
[ "$(basename "$(readlink -f diverged/checkpoints/latest)")" = "$(ls diverged/checkpoints | grep step- | tail -1)" ] ||
    fail "checkpoints from before a rollback are still there: $(ls -l diverged/checkpoints)"
grep -q 'back from step [0-9]* to the checkpoint of step' err.txt || fail "nothing was rolled back: $(cat err.txt)"

# Mismatches: three lines from one rank, a status other than 0, no files left behind.
expect_rank_error 'the mesh needs a multiple of 3 ranks, and 2 were started' 2 "${train[@]}" run.dir=no --set mesh.tp=3
expect_rank_error 'the mesh needs 4 ranks, and 2 were started' 2 "${train[@]}" run.dir=no --set mesh.dp=4
expect_rank_error '4 ranks cannot divide 2 heads' 4 "${train[@]}" run.dir=no --set mesh.tp=4
expect_rank_error 'cannot divide a batch of 3 sequences' 2 "${train[@]}" run.dir=no --set train.batch=3 --set train.micro_batch=1
expect_rank_error 'Muon needs whole matrices' 2 "${train[@]}" run.dir=no --set mesh.tp=2 --set optimizer.kind=muon
expect_rank_error "did you mean 'mesh.tp'" 2 "${train[@]}" run.dir=no --set mesh.pt=2
[ ! -e no ] || fail "a refused run left its folder"
expect_error 1 'leave out --resume never' "${train[@]}" run.dir=no --auto-resume --resume never
expect_error 1 "cannot start 'mpirum'" "${train[@]}" run.dir=no --launch 'mpirum -n 2'
expect_rank_error 'another recipe than rank 0' 2 sh -c "exec \"\$0\" \"\$@\" --set optimizer.lr=0.00\$((OMPI_COMM_WORLD_RANK + 1))" \
    "${train[@]}" run.dir=no
cp "$gradus" other-gradus && echo >>other-gradus
expect_rank_error 'another program than rank 0' 2 sh -c '[ "$OMPI_COMM_WORLD_RANK" = 0 ] || { shift; set -- ./other-gradus "$@"; }
    exec "$@"' sh "${train[@]}" run.dir=no
mkdir elsewhere
cp recipe.toml elsewhere
sed 's/cat/dog/' text.txt >dogs.txt
expect_ok "$gradus" data prepare dogs.txt --split tail --val-fraction 0.1 --tokenizer prepared/tokenizer.json --out elsewhere/prepared
expect_rank_error 'another data set than rank 0' 2 sh -c '[ "$OMPI_COMM_WORLD_RANK" = 0 ] || cd elsewhere
    exec "$@"' sh "${train[@]}" run.dir=no

# A folder that another run is using.
on_ranks 2 "${train[@]}" run.dir=busy "${long[@]}" >busy.txt 2>&1 &
job=$!
wait_for_lines busy/log.jsonl 5
expect_rank_error 'busy' 2 "${train[@]}" run.dir=busy "${long[@]}"
kill -USR1 "$(mpirun_below $job)"
wait $job || fail "the other run ended with $?: $(cat busy.txt)"

# A rank that runs out of memory reports it, and all ranks end. Sanitizers need more than any limit.
(ulimit -v 2000000; exec "$gradus" --version >/dev/null 2>&1) || exit 0
expect_rank_error 'memory' 2 sh -c '[ "$OMPI_COMM_WORLD_RANK" = 0 ] || ulimit -v 2000000; exec "$@"' sh "${train[@]}" run.dir=no \
    --set train.micro_batch=4 --set model.width=1024 --set model.heads=2 --set model.layers=14
