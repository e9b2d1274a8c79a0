"""The hash function of keys and identities, imported without OpenSSL.

`hashlib` loads OpenSSL, which takes a twentieth of the time of an unchanged run.
"""

try:
    from _blake2 import blake2b
except ImportError:  # another implementation of Python
    from hashlib import blake2b

__all__ = ["blake2b"]
