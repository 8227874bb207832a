#!/bin/sh
# Starts ranks on this machine, however few cores it has: launch.sh RANKS PROGRAM ARGUMENTS…
# Open MPI takes its settings from the environment; ranks are not bound to cores, have one thread each, and speak through
# shared memory. Whatever hangs is ended after 300 s, under a sanitizer (GRADUS_SLOW) after 600. With RANKS_OUTPUT, a folder,
# each rank writes into a file of its number there, apart from what mpirun says.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_MCA_btl=vader,self OMPI_MCA_plm=isolated
export OMP_NUM_THREADS=1
# What MPI itself never frees is no finding of ours.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
limit=300
[ -z "${GRADUS_SLOW:-}" ] || limit=600
ranks=$1
shift
[ -z "${RANKS_OUTPUT:-}" ] || set -- sh -c 'exec "$@" >"$RANKS_OUTPUT/$OMPI_COMM_WORLD_RANK" 2>&1' sh "$@"
exec timeout -k 5 "$limit" "${MPIRUN:-mpirun}" -n "$ranks" "$@" </dev/null
