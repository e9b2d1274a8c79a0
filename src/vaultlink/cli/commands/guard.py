"""`vaultlink guard`: refuse changes of tools and commits that would break links."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

from msgspec.structs import replace

from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_REFUSED
from vaultlink.cli.options import OpenOptions, option
from vaultlink.errors import USER_ERRORS, DamagedCacheError, UsageError
from vaultlink.serve.hook_payloads import HookCall, make_answer, read_payload, read_standard_input
from vaultlink.text import escape_controls

if TYPE_CHECKING:
    from vaultlink.api import Vault
    from vaultlink.disk.scan import VaultScan


class GuardOptions(OpenOptions, frozen=True, kw_only=True):
    """Options of `guard`."""

    staged: Annotated[bool, option("Judge what is staged in git for the next commit.")] = False


def guard(options: GuardOptions) -> int:
    """Refuse changes that break links, in hooks of tools and git.

    Reads the JSON that a hook of Claude Code, Codex, Cursor, Gemini CLI, Copilot or VS Code
    receives. Refused are removals and moves of notes and attachments that other notes link to, new
    texts that add errors, and changes of paths that `protect` or `write-paths` keep from changes.
    The reason names the command to use instead. Planned notes and warnings never refuse, nor does
    what can't be understood with certainty. Each file is judged in the vault that it lies in;
    outside of vaults with .obsidian or settings, everything is allowed.

    With --staged, judges what git has staged: for a pre-commit hook.

    The exit code is 0 if the change is allowed, 2 if it is refused, and 1 if guard itself fails, so
    that its failure stops nobody.

    Output formats: none. Prints the reason on standard error, and the answer in JSON that the tool
    expects on standard output.
    """
    if options.output_format or options.output_file or options.json_output:
        raise UsageError("guard prints what the tool expects; it has no output formats.")
    if options.staged:
        return _refuse(_judge_staged(options))
    return settle_call(options, read_payload(read_standard_input()))


def settle_call(options: GuardOptions, call: HookCall) -> int:
    """Print the answer to a call of a tool, and return the exit code."""
    reason = escape_controls(" ".join(_judge_anew(options, call))) if call.actions else ""
    code = _refuse([reason] if reason else [])
    answer = make_answer(call, reason)
    if answer:
        from vaultlink.cli.terminal import Terminal  # noqa: PLC0415 - for few calls

        with suppress(UsageError):  # the exit code says what counts
            Terminal().print_results(answer)
    return code


def _refuse(reasons: Sequence[str]) -> int:
    if not reasons:
        return EXIT_CLEAN
    from vaultlink.cli.terminal import print_stderr  # noqa: PLC0415 - for few calls

    print_stderr("\n".join(map(escape_controls, reasons)))
    return EXIT_REFUSED


def _judge_anew(options: GuardOptions, call: HookCall) -> list[str]:
    """Judge a call, again without the cache if that may be damaged.

    Whoever ran the whole command again would find standard input at its end.
    """
    try:
        return _judge(options, call)
    except Exception as error:
        from vaultlink.write.cache import forget_used_cache  # noqa: PLC0415 - hardly ever needed

        is_known = isinstance(error, USER_ERRORS) and not isinstance(error, DamagedCacheError)
        if is_known or not forget_used_cache():
            raise
        return _judge(options, call)


def _judge(options: GuardOptions, call: HookCall) -> list[str]:
    """Return why the changes of a call must not be made."""
    from vaultlink.serve.guard import (  # noqa: PLC0415 - most calls change no file
        find_refusals,
        join_actions,
        split_by_vault,
    )

    named = None if options.vault is None else str(options.vault.resolve())
    reasons = []
    for part in split_by_vault(join_actions(call.actions), named):
        vault = _open_vault(options, part.root, with_notes=part.concerns_links)
        reasons += find_refusals(vault, part, call.cwd) if vault else []
    return reasons


def _judge_staged(options: GuardOptions) -> list[str]:
    from vaultlink.serve.guard import find_staged_refusals, split_staged  # noqa: PLC0415

    reasons = []
    for staged in split_staged(options.vault):
        vault = _open_vault(options, staged.root, staged.replace_settings)
        reasons += find_staged_refusals(vault, staged) if vault else []
    return reasons


def _open_vault(
    options: GuardOptions,
    root: str,
    prepare: "Callable[[VaultScan], VaultScan]" = lambda scan: scan,
    *,
    with_notes: bool = True,
) -> "Vault | None":
    """Open a vault without messages; return None if there is no note in it.

    `prepare` makes the scan that is used. If it is opened without notes, the vault has only the
    settings.
    """
    from pathlib import Path  # noqa: PLC0415 - most calls change no file

    from vaultlink.cli.opening import open_scanned_vault, scan_from_options  # noqa: PLC0415
    from vaultlink.cli.terminal import Terminal  # noqa: PLC0415 - as above
    from vaultlink.index.resolve import is_note  # noqa: PLC0415

    scan = prepare(scan_from_options(replace(options, vault=Path(root))))
    if not any(map(is_note, scan.listing.files)):
        return None
    if not with_notes:
        from vaultlink.api import Vault, build_linter  # noqa: PLC0415
        from vaultlink.engine.step import State  # noqa: PLC0415

        return Vault(scan, State(build_linter(scan)))
    return open_scanned_vault(scan, Terminal(), warns=False)
