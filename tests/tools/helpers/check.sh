# Shared by the tests of the program. Sourced with the program's path as $1; creates an empty folder, works in it, and
# removes it at the end.
set -euo pipefail

# A test that hangs ends itself and all its processes: after 20 minutes, or an hour under a sanitizer.
if [ -z "${GRADUS_TIMED:-}" ]; then
    status=0
    GRADUS_TIMED=1 timeout --kill-after=10 "${GRADUS_TEST_SECONDS:-$([ "${GRADUS_SLOW:-}" ] && echo 3600 || echo 1200)}" \
        bash "$0" "$@" || status=$?
    [ $status -ne 124 ] || echo "FAILED: $(basename "$0") did not end in time" >&2
    exit $status
fi

gradus=$(realpath "$1")
root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../../..")  # of the repository
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export OMP_NUM_THREADS=1

fail() { echo "FAILED: $*" >&2; exit 1; }

# expect_error STATUS PATTERN COMMAND…: this status, exactly three lines on stderr, and the pattern in them.
expect_error() {
    local want=$1 pattern=$2 status=0
    shift 2
    "$@" >out.txt 2>err.txt </dev/null || status=$?
    [ "$status" -eq "$want" ] || fail "$* ended with $status instead of $want: $(cat err.txt)"
    [ "$(wc -l <err.txt)" -eq 3 ] || fail "$* did not say three lines: $(cat err.txt)"
    sed -n 1p err.txt | grep -q '^error: [^A-Z].*[^.]$' || fail "$*: first line: $(cat err.txt)"
    sed -n 2p err.txt | grep -q '^  cause: ..*' || fail "$*: second line: $(cat err.txt)"
    sed -n 3p err.txt | grep -q '^  fix:   ..*' || fail "$*: third line: $(cat err.txt)"
    grep -qe "$pattern" err.txt || fail "$* did not say '$pattern': $(cat err.txt)"
}

# expect_ok COMMAND…: status 0; the output is in out.txt.
expect_ok() {
    local status=0
    "$@" >out.txt 2>err.txt </dev/null || status=$?
    [ "$status" -eq 0 ] || fail "$* ended with $status: $(cat err.txt)"
}

# A text of a few ten thousand characters, the same every time.
write_text() {
    local a=(the a some every no) b=(cat dog river mountain clock letter) c=(sees finds loses likes) i x=7
    for ((i = 0; i < 900; ++i)); do
        x=$(((x * 1103515245 + 12345) & 0x7fffffff))
        echo "${a[x / 64 % 5]} ${b[x / 1024 % 6]} ${c[x / 8192 % 4]} ${a[x / 65536 % 5]} ${b[x / 524288 % 6]}."
    done
}

prepare_data() {
    write_text >text.txt
    expect_ok "$gradus" tokenizer train text.txt --kind char --out prepared
    expect_ok "$gradus" data prepare text.txt --split tail --val-fraction 0.1 --tokenizer prepared/tokenizer.json --out prepared
}

write_recipe() {
    cat >recipe.toml <<'TOML'
[data]
dir = "prepared"
packing = "plain"
[model]
layers = 2
width = 32
heads = 2
[train]
context = 16
batch = 8
micro_batch = 4
steps = 60
[optimizer]
lr = 3e-3
min_lr = 3e-4
warmup = 0.1
[validation]
every = 25
windows = 40
[checkpoint]
every = 20
TOML
}

# A log without values that differ from run to run.
steps_of() { sed -E 's/"ms(_[a-z]*)?":[^,}]*,?//g' "$1/log.jsonl"; }
