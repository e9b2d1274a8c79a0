"""The size of an image, read from the start of its file."""

import os
import struct
from collections.abc import Callable, Mapping

from vaultlink.files import read_start

_HEAD_BYTES = 256_000
"""Bytes that are read of a file: more than the metadata before the size in usual photographs."""


def read_image_size(path: str | os.PathLike[str]) -> tuple[int, int] | None:
    """Return width and height of an image in pixels; None if they can't be read."""
    try:
        return measure_image(read_start(path, _HEAD_BYTES))
    except OSError:
        return None


def measure_image(data: bytes) -> tuple[int, int] | None:
    """Return width and height of an image in pixels, given the start of its file.

    None if it is not a PNG, GIF, BMP, WebP or JPEG image, or if it is damaged.
    """
    for start, measure in _FORMATS.items():
        if data.startswith(start):
            try:
                width, height = measure(data)
            except (struct.error, ValueError):
                return None
            return (width, height) if width > 0 and height > 0 else None
    return None


def _measure_webp(data: bytes) -> tuple[int, ...]:
    kind = data[8:16]
    if kind == b"WEBPVP8X":
        low_width, high_width, low_height, high_height = struct.unpack_from("<HBHB", data, 24)
        return low_width + (high_width << 16) + 1, low_height + (high_height << 16) + 1
    if kind == b"WEBPVP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"WEBPVP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError(kind)


_NOT_FRAMES = (0xC4, 0xC8, 0xCC)
"""Markers between those of frames that begin something else."""


def _measure_jpeg(data: bytes) -> tuple[int, ...]:
    at = 2
    while True:
        mark, marker, size = struct.unpack_from(">BBH", data, at)
        if mark != 0xFF or size < 2:
            raise ValueError(at)
        if 0xC0 <= marker <= 0xCF and marker not in _NOT_FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 1 if marker == 0xFF else size + 2  # such bytes may fill up to the next marker


_FORMATS: Mapping[bytes, Callable[[bytes], tuple[int, ...]]] = {
    b"\x89PNG\r\n\x1a\n": lambda data: struct.unpack_from(">II", data, 16),
    b"GIF8": lambda data: struct.unpack_from("<HH", data, 6),
    b"BM": lambda data: tuple(map(abs, struct.unpack_from("<ii", data, 18))),
    b"RIFF": _measure_webp,
    b"\xff\xd8\xff": _measure_jpeg,
}
