"""The settings `protect` and `write-paths`: paths that no command may change."""

from collections.abc import Callable, Mapping, Sequence

from vaultlink.config.checks import read_text_list
from vaultlink.config.layers import Layer
from vaultlink.config.patterns import compile_ordered_globs

PROTECTED = "`protect` in the settings names it"
OUTSIDE_WRITE_PATHS = "`write-paths` in the settings does not name it"
PROTECTION_OF_MANY: Mapping[str, str] = {
    PROTECTED: "`protect` in the settings names them",
    OUTSIDE_WRITE_PATHS: "`write-paths` in the settings does not name them",
}
"""The settings that keep commands from changing a file, as a clause, and as one about several."""


class Protection:
    """The compiled patterns of both settings.

    Args:
        protect: The patterns of `protect`.
        write_paths: The patterns of `write-paths`; none are no limit.
        ignores_case: The disk of the vault ignores case, so that the patterns do, too.
    """

    def __init__(
        self, protect: Sequence[str], write_paths: Sequence[str], *, ignores_case: bool = False
    ) -> None:
        self.decide: Callable[[str], bool | None] = compile_ordered_globs(
            protect, ignores_case=ignores_case
        )
        """Returns True for a protected path, False for one that `!` takes out, else None."""
        self._is_limited = bool(write_paths)
        self._decide_writing = compile_ordered_globs(write_paths, ignores_case=ignores_case)

    def find_reason(self, path: str) -> str:
        """Return why no command but `undo` may change a path, as a clause; "" if one may."""
        if self.decide(path) is True:
            return PROTECTED
        is_outside = self._is_limited and self._decide_writing(path) is not True
        return OUTSIDE_WRITE_PATHS if is_outside else ""


def read_protection(layers: Sequence[Layer]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the patterns of `protect` and `write-paths`. Raises ConfigError."""
    found = dict[str, tuple[str, ...]]()
    for layer in layers:
        for key in ("protect", "write-paths"):
            if key in layer.values:
                found[key] = read_text_list(layer, key, layer.values[key])
    return found.get("protect", ()), found.get("write-paths", ())
