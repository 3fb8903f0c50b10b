"""What two sequences have in common, in order: the length of their longest common subsequence."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence


def longest_common(one: Sequence[Hashable], other: Sequence[Hashable]) -> int:
    """The length of the longest common subsequence of two sequences."""
    places: dict[Hashable, int] = {}
    for place, item in enumerate(one):
        places[item] = places.get(item, 0) | 1 << place
    return longest_matched((places.get(item, 0) for item in other), len(one))


def longest_matched(matches: Iterable[int], length: int) -> int:
    """The same where equality is given: for each item of the other sequence, the bits of those places of the first, of
    this length, that match it (Hyyrö, Bit-parallel LCS-length computation revisited, AWOCA 2004)."""
    whole = (1 << length) - 1
    left = whole
    for match in matches:
        taken = left & match
        left = ((left + taken) | (left - taken)) & whole
    return length - left.bit_count()
