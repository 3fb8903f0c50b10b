"""What a request may ask of the machine, and the one line that says so when it asks for more."""

from __future__ import annotations

from pydantic import Field

from facevlm.types import Value


class Limits(Value):
    """Caps on one request; whatever exceeds one raises InputError before any work is done on it, where that can be."""

    largest_bytes: int = Field(default=20_000_000, gt=0, description="Bytes of one picture, as a file.")
    pixels: int = Field(default=32_000_000, gt=0, description="Pixels of one picture, read from its header.")
    smallest_side: int = Field(default=16, ge=16, description="Pixels of a picture's shorter side.")
    faces: int = Field(default=64, gt=0, description="Faces in one picture.")
    pictures: int = Field(default=8, gt=0, description="Pictures in one message.")
    messages: int = Field(default=256, gt=0, description="Messages of one conversation.")
    characters: int = Field(default=100_000, gt=0, description="Characters of text in one conversation.")
    kept_bytes: int = Field(default=512_000_000, ge=0, description="Memory for pictures that may be asked about again.")
