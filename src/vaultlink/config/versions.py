"""Compare the running version with the setting `required-version` (PEP 440).

`packaging` does the same, but nothing that vaultlink needs at run time depends on it.
"""

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

from vaultlink.config.checks import format_value
from vaultlink.config.layers import Layer
from vaultlink.errors import ConfigError
from vaultlink.text import lazy_pattern

KEY = "required-version"
"""The key of the setting."""

_MAX_LENGTH = 200
"""Characters of the longest value that is read."""

_VERSION = lazy_pattern(
    r"""v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)
    (?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_number>\d*))?
    (?P<post>-(?P<implicit>\d+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_number>\d*))?
    (?P<dev>[-_.]?dev[-_.]?(?P<dev_number>\d*))?
    (?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)

_CLAUSE = lazy_pattern(r"\s*(~=|===?|!=|<=|>=|<|>)\s*([\w.!+*-]+)\s*", re.ASCII)

_PRE_KINDS = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}

_Part = tuple[float, str, int]
_LOWEST: _Part = (-1, "", 0)
_HIGHEST: _Part = (2, "", 0)


class _Version(NamedTuple):
    """A version in the order of PEP 440. Its release has no zeros at the end."""

    epoch: int
    release: tuple[int, ...]
    pre: _Part
    post: int
    dev: float
    local: tuple[_Part, ...] = ()

    @property
    def base(self) -> tuple[int, tuple[int, ...]]:
        return self.epoch, self.release

    @property
    def is_early(self) -> bool:
        """True for an alpha, beta, candidate or development version."""
        return self.dev < float("inf") or self.pre not in (_LOWEST, _HIGHEST)


def require_version(layer: Layer, running: str) -> None:
    """Raise ConfigError if a layer requires another version than the running one."""
    wanted = layer.values.get(KEY)
    if wanted is None:
        return
    place = layer.format_key(KEY)
    try:
        if not isinstance(wanted, str) or len(wanted) > _MAX_LENGTH:
            raise ValueError
        is_met = matches_specifier(running, wanted)
    except ValueError:
        shown = format_value(wanted) if len(str(wanted)) <= _MAX_LENGTH else "this value"
        raise ConfigError(f"{place}: must be versions as in “>=0.6,<0.7”, not {shown}.") from None
    if not is_met:
        raise ConfigError(
            f"{place}: vaultlink {wanted.strip()} is required, but this is vaultlink {running}."
        )


def matches_specifier(version: str, specifier: str) -> bool:
    """Return True if a version matches `>=0.6,<0.7`. Raises ValueError for others."""
    results = list(_match_clauses(version, specifier))
    if not results:
        raise ValueError
    return all(results)


def _match_clauses(version: str, specifier: str) -> Iterator[bool]:
    for clause in specifier.split(","):
        if clause.strip():
            match = _CLAUSE.fullmatch(clause)
            if not match:
                raise ValueError
            yield _match_clause(version, match[1], match[2])


def _match_clause(text: str, operator: str, wanted_text: str) -> bool:
    version = _parse_version(text)
    if operator == "===":
        return text.strip().lower() == wanted_text.lower()
    if operator in ("==", "!=") and wanted_text.endswith(".*"):
        has_prefix = _has_prefix(version, *_read_release(wanted_text[:-2]))
        return has_prefix == (operator == "==")
    wanted, public = _parse_version(wanted_text), version._replace(local=())
    if operator in ("==", "!="):
        is_equal = (version if wanted.local else public) == wanted
        return is_equal == (operator == "==")
    if wanted.local:
        raise ValueError
    if operator == "~=":
        epoch, release = _read_release(wanted_text, ends=False)
        if len(release) < 2:
            raise ValueError
        return public >= wanted and _has_prefix(version, epoch, release[:-1])
    return _is_in_order(version, operator, wanted)


def _is_in_order(version: _Version, operator: str, wanted: _Version) -> bool:
    """Compare by order; `<1.7` excludes pre-releases of 1.7, `>1.7` later forms of it."""
    is_same_base = version.base == wanted.base
    public = version._replace(local=())
    if operator == "<=":
        return public <= wanted
    if operator == ">=":
        return public >= wanted
    if operator == "<":
        return public < wanted and not (version.is_early and not wanted.is_early and is_same_base)
    return public > wanted and not (is_same_base and version.post >= 0 and wanted.post < 0)


def _has_prefix(version: _Version, epoch: int, release: tuple[int, ...]) -> bool:
    pairs = zip_longest(release, version.release[: len(release)], fillvalue=0)
    return version.epoch == epoch and all(wanted == number for wanted, number in pairs)


def _read_release(text: str, *, ends: bool = True) -> tuple[int, tuple[int, ...]]:
    """Return epoch and release of a version; with `ends` it must have no other parts."""
    match = _VERSION.fullmatch(text)
    if not match or (ends and any(match[name] for name in ("pre", "post", "dev", "local"))):
        raise ValueError
    return int(match["epoch"] or 0), tuple(map(int, match["release"].split(".")))


def _parse_version(text: str) -> _Version:
    match = _VERSION.fullmatch(text.strip())
    if not match:
        raise ValueError
    epoch, release = _read_release(text.strip(), ends=False)
    while release and release[-1] == 0:
        release = release[:-1]
    post = int(match["implicit"] or match["post_number"] or 0) if match["post"] else -1
    dev = int(match["dev_number"] or 0) if match["dev"] else float("inf")
    if match["pre"]:
        kind = match["pre"].lower()
        pre: _Part = (0, _PRE_KINDS.get(kind, kind), int(match["pre_number"] or 0))
    else:
        pre = _LOWEST if match["dev"] and not match["post"] else _HIGHEST
    local = re.split("[-_.]", match["local"].lower()) if match["local"] else []
    parts: list[_Part] = [
        (1, "", int(part)) if part.isdecimal() else (0, part, 0) for part in local
    ]
    return _Version(epoch, release, pre, post, dev, tuple(parts))
