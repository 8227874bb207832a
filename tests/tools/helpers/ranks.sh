# Shared by the tests of several ranks: starts them on this machine whatever its number of cores, and examines their logs.
# Without MPI in this build, or without mpirun, the test says so and ends.
command -v mpirun >/dev/null || { echo "skipped: there is no mpirun"; exit 0; }
launch=$root/tests/comm_mpi/launch.sh
"$launch" 2 "$gradus" pretrain none.toml >probe.txt 2>&1 || true
if ! grep -q "none.toml" probe.txt; then
    echo "skipped: this build has no MPI"
    exit 0
fi
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
export OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_btl=vader,self OMPI_MCA_plm=isolated

limit=300  # seconds per job, since the machine may be busy; a sanitizer needs more, and so do more kills
[ -z "${GRADUS_SLOW:-}${GRADUS_KILLS:-}" ] || limit=900

launcher() { echo "mpirun -n $1"; }

# on_ranks N COMMAND…
on_ranks() {
    local n=$1
    shift
    timeout -k 5 "$limit" mpirun -n "$n" "$@" </dev/null
}

# expect_rank_error PATTERN RANKS COMMAND…: a status other than 0 and other than a timeout's, and three lines from one rank.
expect_rank_error() {
    local pattern=$1 n=$2 status=0
    shift 2
    on_ranks "$n" "$@" >out.txt 2>err.txt || status=$?
    [ "$status" -ne 0 ] && [ "$status" -ne 124 ] || fail "$* ended with $status: $(cat err.txt)"
    [ "$(grep -c '^\[rank [0-9]*\] error: ' err.txt)" -eq 1 ] || fail "$*: not one rank speaks: $(cat err.txt)"
    grep -A1 '^\[rank [0-9]*\] error: ' err.txt | grep -q '^  cause: ..*' || fail "$*: no cause: $(cat err.txt)"
    grep -A2 '^\[rank [0-9]*\] error: ' err.txt | grep -q '^  fix:   ..*' || fail "$*: no fix: $(cat err.txt)"
    grep -qe "$pattern" err.txt || fail "$* did not say '$pattern': $(cat err.txt)"
}

# Step and loss of each line of the log.
losses_of() { sed 's/.*"step":\([0-9]*\).*"loss":\([-0-9.e+]*\),.*/\1 \2/' "$1/log.jsonl"; }

# same_losses RUN RUN [STEPS]: each step once, at least this many (30), with losses that agree to 1e-6.
same_losses() {
    paste <(losses_of "$1") <(losses_of "$2") |
        awk -v least="${3:-30}" '$1 != $3 || !($4 > 0) || !(($2 / $4 - 1) ^ 2 <= 1e-12) { bad = 1 } END { exit bad || NR < least }'
}

# wait_for_lines FILE N: waits until the file has N lines, at most a minute.
wait_for_lines() {
    for ((i = 0; i < 600; ++i)); do
        [ "$( (wc -l <"$1") 2>/dev/null || echo 0)" -lt "$2" ] || return 0
        sleep 0.1
    done
    fail "$1 has $(wc -l <"$1") lines after a minute instead of $2"
}

# The mpirun that a background job runs through timeout.
mpirun_below() { pgrep -P "$1" -x mpirun || pgrep -P "$(pgrep -P "$1" | head -1)" -x mpirun; }

# Processes of ranks that work in this test's folder.
ranks_of() {
    for pid in $(pgrep -x gradus); do
        if [ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" = "$work" ] && tr '\0' ' ' <"/proc/$pid/environ" 2>/dev/null | grep -q OMPI_COMM_WORLD_RANK; then
            echo "$pid"
        fi
    done
}
