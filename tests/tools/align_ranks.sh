#!/usr/bin/env bash
# sft, reward, dpo, ppo and grpo on two ranks, of dp and of tp: the numbers of one rank; one that is killed is restarted.
source "$(dirname "$0")/helpers/check.sh"
source "$root/tests/tools/helpers/ranks.sh"
source "$root/tests/tools/helpers/align.sh"
prepare_alignment

for stage in sft reward dpo ppo grpo; do
    expect_ok "$gradus" $stage $stage.toml
    for mesh in dp tp; do
        run=$stage-$mesh
        expect_ok on_ranks 2 "$gradus" $stage $stage.toml --run.dir=$run --mesh.$mesh=2
        [ "$(grep -c '^done: ' out.txt)" -eq 1 ] || fail "more than one rank prints: $(cat out.txt)"
        case $stage in
        sft) same_values $run $stage loss 1e-5 ;;
        reward)
            same_values $run $stage loss 1e-5
            same_values $run $stage val_loss 1e-5
            ;;
        dpo)
            same_values $run $stage loss 1e-5
            same_values $run $stage chosen_reward 1e-5
            ;;
        ppo | grpo)
            # Later iterations may draw other answers, where rounding decides.
            for key in kl score entropy length; do same_values $run $stage $key 1e-4 1; done
            ;;
        esac
    done
done
# The scale of the scores is measured by all ranks.
for run in reward-dp reward-tp; do
    diff <(grep -o 'score_mean[^,]*' reward/checkpoints/latest/gradus/manifest.json | cut -c1-18) \
        <(grep -o 'score_mean[^,]*' $run/checkpoints/latest/gradus/manifest.json | cut -c1-18) || fail "$run has another mean"
done

# Only the first rank talks to the program that scores.
cat >judge.sh <<'SH'
echo started >>starts
while read -r line; do
    case $line in *'"response":"'*red*) echo '{"score": 1}' ;; *) echo '{"score": 0}' ;; esac
done
SH
expect_ok on_ranks 2 "$gradus" grpo grpo.toml --run.dir=judged --grpo.exact=false --grpo.reward_command='bash judge.sh' --train.steps=3
[ "$(wc -l <starts)" -eq 1 ] || fail "the program was started $(wc -l <starts) times"
expect_rank_error 'wrote 0 of 8 scores' 2 "$gradus" grpo grpo.toml --run.dir=failed --grpo.exact=false --grpo.reward_command=false

# A rank is lost: all are started again, and the run is the undisturbed one.
cat >lost.sh <<'SH'
if [ "$OMPI_COMM_WORLD_RANK" = 1 ] && [ ! -e was_lost ]; then
    touch was_lost
    "$@" &
    for ((i = 0; i < 600; ++i)); do
        [ "$(cat lost/log.jsonl 2>/dev/null | wc -l)" -lt 4 ] || break
        sleep 0.05
    done
    kill -9 $!
    wait $!
    exit 137
fi
exec "$@"
SH
expect_ok "$gradus" ppo ppo.toml --run.dir=steady --launch 'mpirun -n 2' --train.steps=30
expect_ok "$gradus" ppo ppo.toml --run.dir=lost --launch 'mpirun -n 2 bash lost.sh' --train.steps=30 --auto-resume --mesh.silence=20
[ -e was_lost ] || fail "no rank was lost"
cmp <(steps_of lost) <(steps_of steady) || fail "the run that lost a rank differs"
echo passed
