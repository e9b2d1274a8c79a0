"""Where files went that are no longer where links name them: what git tells, and what the last run remembers.

A vault and its files enter, a mapping of old vault paths to new ones leaves. Only what is sure counts: the old path is gone,
the new one is there, and nothing else comes as near.
"""

from vaultlink.moves.git import git_moves, moves_since
from vaultlink.moves.memory import Remembered, remembered_moves
from vaultlink.moves.naming import still_true

__all__ = ["Remembered", "git_moves", "moves_since", "remembered_moves", "still_true"]
