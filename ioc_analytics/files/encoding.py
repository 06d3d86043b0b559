"""Bytes checked to be text in UTF-8, with the line in which they are not.

For: the readers of text formats. Not for: guessing encodings.
"""

from typing import Final

from ioc_analytics.kernel.errors import InvalidInput

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_UTF_16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


def check_start(block: bytes, name: str) -> None:
    """Check the first block of a text file for signs of another encoding or of no text.

    Raises:
        InvalidInput: It is UTF-16, or lines end with CR alone.
    """
    sample = block[:4096]
    if sample.startswith(_UTF_16_MARKS) or sample.count(0) > len(sample) // 4:
        raise InvalidInput(f"{name} is encoded in UTF-16; save it as UTF-8")
    if b"\n" not in block and block.count(b"\r") > 1:
        raise InvalidInput(f"{name} ends its lines with CR alone; save it with LF or CRLF")


def decode(data: bytes, name: str, line: int) -> str:
    """Return bytes as text.

    Args:
        data: Whole lines.
        name: How messages call the file.
        line: Line in which the bytes start, from 1.

    Raises:
        InvalidInput: They are not UTF-8, or hold a NUL; the message names the line.
    """
    if (place := data.find(0)) >= 0:
        line += data.count(b"\n", 0, place)
        raise InvalidInput(f"{name}: line {line} holds a NUL byte; this is no text file")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line += data.count(b"\n", 0, error.start)
        raise InvalidInput(
            f"{name}: line {line} is not UTF-8 (byte 0x{data[error.start]:02x}; "
            "Windows-1252 or Latin-1?). Save the file as UTF-8"
        ) from error


def check_text(data: bytes, name: str, line: int) -> None:
    """Check that bytes are text, as ``decode`` does."""
    if not data.isascii() or 0 in data:
        decode(data, name, line)
