"""The files of a vault by their normalized paths and folders."""

from collections.abc import Collection, Mapping

from vaultlink.index.resolve import normalize_name

_MAX_SEARCHES = 8
"""Keys to search one by one. For more of them, computing a map of all is faster."""


class FilesByPath:
    """Normalized path to the files at or below it, sorted.

    The path of a folder ends with a slash. `groups` are all of them, if they are known already.
    """

    def __init__(self, files: Collection[str], groups: Mapping[str, tuple[str, ...]] | None = None):
        self._files = files
        self._found: dict[str, tuple[str, ...]] = {}
        self.groups = groups

    def __getitem__(self, key: str) -> tuple[str, ...]:
        if self.groups is None:
            if key in self._found:
                return self._found[key]
            if len(self._found) < _MAX_SEARCHES:
                return self._found.setdefault(key, self._search(key))
        return self.group_all().get(key, ())

    def __contains__(self, key: str) -> bool:
        return bool(self[key])

    def _search(self, key: str) -> tuple[str, ...]:
        size = len(key) if key.endswith("/") else None
        return tuple(sorted(path for path in self._files if normalize_name(path)[:size] == key))

    def group_all(self) -> Mapping[str, tuple[str, ...]]:
        if self.groups is None:
            groups: dict[str, list[str]] = {}
            for path in sorted(self._files):
                for key in path_keys(path):
                    groups.setdefault(key, []).append(path)
            self.groups = {key: tuple(group) for key, group in groups.items()}
        return self.groups


def path_keys(path: str) -> list[str]:
    normalized = normalize_name(path)
    return [
        normalized,
        *(normalized[: at + 1] for at, char in enumerate(normalized) if char == "/"),
    ]
