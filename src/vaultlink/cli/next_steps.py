"""The command that a fix run proposes for what it left."""

from typing import TYPE_CHECKING

from vaultlink.cli.options import FixSelectionOptions
from vaultlink.cli.shown_paths import format_command_options, format_vault_option
from vaultlink.report.full import find_target_rules

if TYPE_CHECKING:
    from vaultlink.cli.check_output import CheckedVault


def propose_after_fix(
    options: FixSelectionOptions, checked: "CheckedVault", *, interactive: bool, listed: bool
) -> str:
    """Return a sentence with the next command after a fix run; "" if nothing is left.

    `listed` says that the run has printed the remaining findings.
    """
    remaining, command_options = checked.split.new, format_command_options(options)
    if not (interactive or options.unsafe_fixes):
        found = checked.forecast
        least = "" if found.has_all else "at least "
        if found.unsafe:
            return (
                f"`vaultlink fix --interactive{command_options}` asks about the rest; "
                f"--unsafe-fixes fixes {least}{found.unsafe:,}."
            )
    if not remaining or listed:
        return ""
    unresolved = find_target_rules(checked.vault.rules)
    if any(item.target and item.rule in unresolved for item in remaining):
        vault_option = format_vault_option(options.vault, checked.vault.root)
        return f"`vaultlink topics{vault_option}` lists the missing targets."
    return f"`vaultlink check{command_options}` shows them."
