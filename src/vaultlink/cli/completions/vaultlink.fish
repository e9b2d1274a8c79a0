# Completion of vaultlink for fish. Load it with: vaultlink completion fish | source
function __vaultlink_complete
    set --local words (commandline --tokens-expanded --cut-at-cursor 2>/dev/null; or commandline -opc)
    set --local current (commandline --current-token --cut-at-cursor)
    set --local program $words[1]
    set --local found ($program __complete $words[2..-1] "$current" 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path "$current"
    end
end
complete --command vaultlink --no-files --arguments '(__vaultlink_complete)'
