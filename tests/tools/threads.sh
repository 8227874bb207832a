#!/usr/bin/env bash
# A user with a limit on threads: an error of three lines before any work, and with fewer threads everything works.
source "$(dirname "$0")/helpers/check.sh"
limited=(setpriv --reuid=54321 --regid=54321 --clear-groups prlimit)
if [ "$(id -u)" -ne 0 ] || ! "${limited[@]}" --nproc=2 "$gradus" --version >/dev/null 2>&1; then
    echo "skipped: only root can become a user with a limit, and that user must reach $gradus"
    exit 0
fi
prepare_data
write_recipe
expect_ok "$gradus" pretrain recipe.toml --set run.dir=whole
chown -R 54321 "$work"

export OMP_NUM_THREADS=4
for command in 'pretrain recipe.toml --set run.dir=run' 'eval whole --text text.txt' 'generate whole --prompt the' \
    'convert whole other' 'bench generate'; do
    expect_error 1 'only 3 threads can run at once, and computing with 4 needs up to 7' "${limited[@]}" --nproc=3 "$gradus" $command
    grep -q 'fix:.*OMP_NUM_THREADS=2 before' err.txt || fail "no fix: $(cat err.txt)"
    grep -q 'ulimit -u, which is 3' err.txt || fail "the limit is not named: $(cat err.txt)"
done
[ ! -e run ] && [ ! -e other ] || fail "a refused command left files"
expect_ok "${limited[@]}" --nproc=3 "$gradus" eval whole --text text.txt --threads 2
expect_ok "${limited[@]}" --nproc=7 "$gradus" eval whole --text text.txt

# Without another thread, training waits for its checkpoints and has the same result.
expect_ok "${limited[@]}" --nproc=1 "$gradus" pretrain recipe.toml --set run.dir=alone --set train.threads=1
[ "$(ls alone/checkpoints | grep -c '^step-')" -eq 2 ] || fail "checkpoints: $(ls alone/checkpoints)"
cmp <(steps_of alone) <(steps_of whole) || fail "with one thread the run differs"
expect_ok "${limited[@]}" --nproc=1 "$gradus" data prepare text.txt --out prepared-again
expect_ok "${limited[@]}" --nproc=1 env OMP_NUM_THREADS=1 "$gradus" tokenizer train text.txt --vocab-size 300 --out b
# The same for a program that cannot be started because of a limit on processes.
for command in "pretrain recipe.toml --set run.dir=launched --launch mpirun" 'baselines prepared --out b.json'; do
    expect_error 1 'fix:.*ulimit -u' "${limited[@]}" --nproc=1 env OMP_NUM_THREADS=1 "$gradus" $command
    ! grep 'apt-get' err.txt || fail "the fix installs what is installed"
done
echo passed
