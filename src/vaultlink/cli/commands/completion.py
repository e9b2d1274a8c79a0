"""`vaultlink completion`: the completion script of a shell."""

from importlib import resources
from typing import Annotated

from vaultlink.cli.exit_codes import EXIT_CLEAN
from vaultlink.cli.options import PrintOptions, argument
from vaultlink.cli.terminal import Terminal
from vaultlink.errors import UsageError

SCRIPTS = {"bash": "bash", "zsh": "zsh", "fish": "fish", "powershell": "ps1"}
"""The file extension of each shell's script in `completions/`."""


class CompletionOptions(PrintOptions, frozen=True, kw_only=True):
    """Options of `completion`."""

    shell: Annotated[
        str | None,
        argument("SHELL", "bash, zsh, fish or powershell.", tuple(SCRIPTS), is_required=True),
    ] = None


def completion(options: CompletionOptions) -> int:
    """Print the completion script of a shell.

    It completes commands, options and their values, rules, and notes of the vault. Load it where
    the shell starts: `eval "$(vaultlink completion bash)"` in ~/.bashrc, the same with zsh in
    ~/.zshrc below `compinit`, `vaultlink completion fish | source` in ~/.config/fish/config.fish,
    `vaultlink completion powershell | Out-String | Invoke-Expression` in $PROFILE.

    Output formats: none. Prints the script.
    """
    if options.shell is None:
        raise UsageError(f"completion requires a shell: {', '.join(SCRIPTS)}.")
    terminal = Terminal(options)
    terminal.refuse_format("completion prints only the script")
    script = resources.files("vaultlink.cli").joinpath(
        "completions", f"vaultlink.{SCRIPTS[options.shell]}"
    )
    terminal.print_results(script.read_text(encoding="utf-8"))
    return EXIT_CLEAN
