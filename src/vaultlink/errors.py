"""Errors that the user can resolve.

Each message states the place, the cause and the next step.
"""

from collections.abc import Sequence

from vaultlink.text import lazy_pattern, quote_name


class VaultError(Exception):
    """The vault cannot be opened. The message states the cause and the next step."""


class DamagedCacheError(VaultError):
    """A value in the cache file `file` can't be read.

    Without this file the vault can be opened.
    """

    def __init__(self, file: str | None) -> None:
        super().__init__(f"the cache file {file} is damaged. Delete it.")
        self.file = file


class ConfigError(Exception):
    """A setting is invalid.

    The message states its place, the cause and a likely correction.
    """


class JournalError(Exception):
    """The journal cannot be written, so no note may be changed."""


class UsageError(Exception):
    """A usage error on the command line. The message states cause and next step."""


class UnknownNameError(UsageError):
    """A word on the command line names nothing, or is one too many.

    It may be part of a name with spaces that lacks its quotes.
    """


USER_ERRORS = (VaultError, ConfigError, JournalError, UsageError)
"""Errors that a command prints as a message with exit code 2. All others are bugs in vaultlink."""


def explain_word(word: str, *, is_unknown: bool = False) -> str:
    """Return a hint about a word that was meant for a shell or for Obsidian; else "".

    With `is_unknown`, no name is like it.
    """
    if "*" in word or (is_unknown and any(sign in word for sign in "?[")):
        return "vaultlink takes no patterns: name a folder, or let the shell expand the pattern."
    if word.startswith("~/"):
        return "The shell expands ~ only without quotes, and not behind `=`."
    return ""


def explain_path(path: str, *, is_unknown: bool = False) -> str:
    """Return a hint about an unknown path on the command line: see `explain_word`."""
    if len(path) <= _MAX_CODE and path[:2].isupper() and path[2:].isdecimal():
        return "Rules are separated by commas, without spaces."
    if path.startswith("obsidian:/"):
        return "An address of Obsidian names a note, and no path: `vaultlink show` takes it."
    return explain_word(path, is_unknown=is_unknown)


_MAX_CODE = 5
"""Characters of the code of a rule."""


def propose(names: Sequence[str], otherwise: str = "") -> str:
    """Return a question that proposes names, each once; `otherwise` if there are none."""
    return f"Did you mean {' or '.join(dict.fromkeys(names))}?" if names else otherwise


_OUTSIDE = lazy_pattern(r"[/\\]|[A-Za-z]:[/\\]|[a-z][a-z0-9+.-]+://")


def check_name(name: str) -> str:
    """Return a name that may be one in the vault. Raises UsageError."""
    if not name.strip():
        raise UsageError("the name is empty. Write the path of a note, or its name as in a link.")
    refuse_controls(name)
    if _OUTSIDE.match(name):
        raise UsageError(
            f"{quote_name(name)} is no path in the vault. Paths begin at the root of the vault, "
            "without a slash."
        )
    if ".." in name.replace("\\", "/").split("/"):
        raise UsageError(f"{quote_name(name)} may lead out of the vault.")
    return name


def refuse_controls(text: str) -> None:
    """Raise UsageError for a text with control characters."""
    if not text.isprintable() and any(ord(char) < 32 or 127 <= ord(char) < 160 for char in text):
        raise UsageError(f"{quote_name(text)} contains control characters.")
