# Completion of vaultlink for bash. Load it with: eval "$(vaultlink completion bash)"
_vaultlink() {
    local value kind
    COMPREPLY=()
    while IFS=$'\t' read -r value kind; do
        COMPREPLY+=("$value")
        case $kind in note | file | folder | heading | block) compopt -o filenames ;; esac
    done < <("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o bashdefault -o default -F _vaultlink vaultlink
