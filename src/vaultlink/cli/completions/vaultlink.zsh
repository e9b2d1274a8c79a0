#compdef vaultlink
# Completion of vaultlink for zsh. Load it below `compinit` with: eval "$(vaultlink completion zsh)"
_vaultlink() {
    local line tab=$'\t'
    local -a lines values texts
    lines=("${(@f)$("${words[1]}" __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    for line in $lines; do
        values+=("${line%%$tab*}")
        texts+=("${line/$tab/  -- }")
    done
    if (( $#values )); then
        compadd -d texts -a values
    else
        _files
    fi
}
compdef _vaultlink vaultlink
