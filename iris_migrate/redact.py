"""Takes control sequences out of text that came from outside, before anything shows or records it."""

from __future__ import annotations

import re

# ECMA-48: a string sequence (DCS, SOS, OSC, PM, APC) up to its terminator; CSI; other escapes; then single controls.
# Directional overrides are taken out as well: they make a line read as something it is not.
_SEQUENCES = re.compile(
    r"(?:\x1b[PX\]^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x9c|\x1b\\)"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|\x1b[ -/]*[0-~]"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def clean(text: str) -> str:
    """The same text without control sequences; line ends and tabs stay."""
    if text.isprintable():
        return text
    return _SEQUENCES.sub("", text)


def clean_bytes(data: bytes) -> str:
    """Bytes read as UTF-8 (what is not becomes U+FFFD) and cleaned."""
    return clean(data.decode("utf-8", "replace"))
