#!/usr/bin/env bash
# cmake --install: the installed program finds its recipes from any folder; completion, documentation and licence are installed.
source "$(dirname "$0")/helpers/check.sh"
build=$(dirname "$gradus")
[ -e "$build/cmake_install.cmake" ] && command -v cmake >/dev/null || { echo "skipped: no build tree or no cmake"; exit 0; }
expect_ok cmake --install "$build" --prefix "$work/prefix"
for file in bin/gradus share/gradus/recipes/quickstart.toml share/gradus/recipes/align/principles.jsonl share/bash-completion/completions/gradus share/doc/gradus/LICENSE \
    share/doc/gradus/docs/commands.md; do
    [ -e "prefix/$file" ] || fail "$file is not installed: $(find prefix | head -40)"
done
for recipe in "$root"/tools/recipes/*.toml "$root"/tools/recipes/align/*.toml; do
    cmp "$recipe" "prefix/share/gradus/recipes/${recipe#"$root"/tools/recipes/}" || fail "the installed $recipe differs"
done
mkdir away
cd away
expect_ok ../prefix/bin/gradus plan gpt2-124m --devices 1xH100
expect_error 1 'there are no tokens' ../prefix/bin/gradus pretrain quickstart --data.dir=none --run.dir=run
expect_error 1 'there is no model to start from' ../prefix/bin/gradus ppo instructgpt-ppo --run.dir=run
expect_ok ../prefix/bin/gradus __complete plan gpt2-1
grep -qx gpt2-1558m out.txt || fail "the installed program completes no recipes: $(cat out.txt)"
echo passed
