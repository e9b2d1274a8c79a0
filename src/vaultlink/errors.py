"""The errors that users can resolve: what is wrong, where, and what to do about it."""


class VaultError(Exception):
    """A vault that can't be opened: what is wrong and what to do."""


class ConfigError(Exception):
    """A setting that can't be used: where it stands, what is wrong, and what may have been meant."""


class JournalError(Exception):
    """The journal can't be kept, so nothing may be written: what is wrong, in a sentence."""


class UsageError(Exception):
    """A command line that can't be followed: what is wrong and what to do."""


USER_ERRORS = (VaultError, ConfigError, JournalError, UsageError)
"""Errors that a command reports as a sentence and exit code 2. All others are faults of vaultlink."""
