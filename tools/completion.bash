# Completion of gradus for bash: installed into share/bash-completion/completions, or `source tools/completion.bash`.
# The program itself computes the completions, so they are always up to date.
_gradus() {
    local IFS=$'\n'
    COMPREPLY=($("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace; fi
}
complete -o default -F _gradus gradus
