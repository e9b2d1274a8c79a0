"""Where files went that are no longer where links name them: what git tells, and what the last run remembers.

A vault and its files enter, a mapping of old vault paths to new ones leaves. Only what is sure counts: the old path is gone,
the new one is there, and nothing else comes as near.
"""

from vaultlink.moves.git import git_moves, moves_since
from vaultlink.moves.memory import VaultSnapshot, moves_between
from vaultlink.moves.naming import resolve_moves

__all__ = ["VaultSnapshot", "git_moves", "moves_between", "moves_since", "resolve_moves"]
