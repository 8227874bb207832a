#!/bin/bash
# A run written by an earlier version of the program (tests/goldens/runs/program) is resumed as that version would.
#
# Losses may differ in their last digits from one processor to the next; tests/engine/test_golden_run.cpp compares bits.
source "$(dirname "$0")/helpers/check.sh"

cp -r "$root/tests/goldens/runs/program"/* .
mv written run
expect_ok "$gradus" pretrain run/recipe.toml
grep -q "step-00000006" out.txt || fail "it did not resume: $(cat out.txt)"

[ "$(wc -l <run/log.jsonl)" -eq "$(wc -l <continued.jsonl)" ] || fail "the log has other steps: $(cat run/log.jsonl)"
paste -d '\n' continued.jsonl run/log.jsonl | awk -F'[:,]' '
    NR % 2 { step = $2; loss = $4; next }
    step != $2 { print "step " $2 " instead of " step; bad = 1 }
    step <= 6 && loss != $4 { print "the line of step " step " has changed"; bad = 1 }
    ($4 - loss) ^ 2 > 1e-4 { print "loss " $4 " instead of " loss " at step " step; bad = 1 }
    END { exit bad }' || fail "the run differs"
[ -f run/checkpoints/step-00000012/model.safetensors ] || fail "it saved no checkpoint at the end"
[ "$(wc -l <run/samples.jsonl)" -eq 2 ] || fail "samples: $(cat run/samples.jsonl)"
expect_ok "$gradus" eval run
expect_ok "$gradus" generate run --prompt "the cat" --max-tokens 5
