"""The settings `keep-runs` and `keep-runs-size`: which runs stay in the journal."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from vaultlink.config.checks import format_value
from vaultlink.config.layers import RUN_LIMIT_DEFAULTS, Layer
from vaultlink.text import lazy_pattern

_AGES = {"day": 1, "week": 7, "month": 30, "year": 365}
_SIZES = {"MB": 10**6, "GB": 10**9}
_MAX_SHOWN = 200
"""Characters of the longest value that a message repeats."""

_AGE = lazy_pattern(r"([1-9]\d{0,4}) ?(day|week|month|year)s?")
_SIZE = lazy_pattern(r"([1-9]\d{0,4}) ?(MB|GB)")


class RunLimits(NamedTuple):
    """Age in days and size in bytes of recorded runs to keep; 0 would delete today's."""

    days: int
    size: int


def read_run_limit(layer: Layer, key: str, value: Any) -> str:
    """Return a checked setting. Raises ConfigError."""
    pattern, example = _SIZE, "“200 MB” or “1 GB”"
    if key == "keep-runs":
        pattern, example = _AGE, "“90 days”, “12 weeks”, “6 months” or “2 years”"
    if isinstance(value, str) and pattern.fullmatch(value):
        return value
    shown = format_value(value) if len(str(value)) <= _MAX_SHOWN else "this value"
    raise layer.make_error(
        key, f"must be a whole number above 0 and a unit, such as {example}, not {shown}."
    )


def read_run_limits(layers: Sequence[Layer]) -> RunLimits:
    """Return the limits that layers set, the lowest first. Raises ConfigError."""
    values = dict(RUN_LIMIT_DEFAULTS)
    for layer in layers:
        for key in filter(layer.values.__contains__, RUN_LIMIT_DEFAULTS):
            values[key] = read_run_limit(layer, key, layer.values[key])
    age, size = _AGE.fullmatch(values["keep-runs"]), _SIZE.fullmatch(values["keep-runs-size"])
    assert age
    assert size
    return RunLimits(int(age[1]) * _AGES[age[2]], int(size[1]) * _SIZES[size[2]])
