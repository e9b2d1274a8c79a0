"""The findings that `vaultlink fix` would fix, in numbers by safety."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from vaultlink.model import Fix, Safety

MAX_TRIED = 2_000
"""Maximum number of fixes that are tried in order to count them."""


class FixForecast(NamedTuple):
    """The findings that `vaultlink fix` would fix: their fixes and numbers.

    `fixes` has the fix of each reported finding, None if it would remain; it is () where only the
    numbers are needed. `candidates` is the number of fixes that the settings allow. If `is_exact`
    is False, they were not tried, and there may be more. `has_guesses` is True if fixes of
    unresolved targets, which are unsafe, were left out.
    """

    fixes: tuple[Fix | None, ...] = ()
    safe: int = 0
    unsafe: int = 0
    known_safe: int = 0
    known_unsafe: int = 0
    candidates: int = 0
    is_exact: bool = True
    has_guesses: bool = False

    @property
    def has_all(self) -> bool:
        """True if there are no more fixes than these."""
        return self.is_exact and not self.has_guesses


def count_fixes(fixes: Iterable[Fix | None], known: Iterable[Fix | None] = ()) -> FixForecast:
    """Return the forecast with exactly these fixes of findings, and of known ones."""
    found = tuple(fixes)
    safeties, known_safeties = ([fix.safety for fix in part if fix] for part in (found, known))
    return FixForecast(
        found,
        safeties.count(Safety.SAFE),
        safeties.count(Safety.UNSAFE),
        known_safeties.count(Safety.SAFE),
        known_safeties.count(Safety.UNSAFE),
    )


def join_forecasts(
    parts: Iterable[tuple[FixForecast, int]], try_all: Callable[[], FixForecast]
) -> FixForecast:
    """Return the forecast for all reported findings from those for parts of them.

    Each part has a number: how many parts are like it. If there are few enough candidates to be
    tried, the forecast is that of `try_all`.
    """
    found = list(parts)
    candidates = sum(part.candidates * times for part, times in found)
    has_guesses = any(part.has_guesses for part, _ in found)
    if 0 < candidates <= MAX_TRIED:
        return try_all()._replace(has_guesses=has_guesses)
    return FixForecast(
        safe=sum(part.safe * times for part, times in found),
        unsafe=sum(part.unsafe * times for part, times in found),
        candidates=candidates,
        is_exact=not candidates,
        has_guesses=has_guesses,
    )
