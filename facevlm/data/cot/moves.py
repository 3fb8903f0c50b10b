"""The moves of an interpretation: what supports a label, what is missing or against it, its rivals, strength."""

from __future__ import annotations

from collections.abc import Iterator

from facevlm import facs
from facevlm.data.cot import short, wording
from facevlm.data.cot.argument import Argument, Move
from facevlm.data.cot.observing import regions_at_rest
from facevlm.data.cot.weigh import COMMON, shared_by, typical_of
from facevlm.types import INTENSITY_VALUES

SPLIT = 0.15  # share of a distribution from which a second emotion is spoken of
AGREED = 0.9
OPEN_MOUTH = frozenset({25, 26, 27})
TENTHS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def required(case: Argument) -> Iterator[Move]:
    """Those that leaving out would make the text untrue or one-eyed."""
    weighing, emotion = case.weighing, case.label.emotion
    if emotion == "neutral":
        yield from _neutral(case)
    elif weighing.relation == "absent":
        yield case.move("support", "no_movement")
    elif weighing.support:
        yield _support(case)
    if emotion != "neutral" and case.against:
        rival = typical_of(case.against, case.coding, emotion)
        yield case.move("against", "against", against=case.cite(case.against), rival=rival)
    yield from _compound(case)
    yield from _distribution(case)
    yield from _one_sided(case)


def optional(case: Argument) -> Iterator[Move]:
    """Those that a text may make besides."""
    weighing, coding, emotion = case.weighing, case.coding, case.label.emotion
    if coding.observations:
        yield case.move("picture", "picture", picture=short.picture(coding.observations, case.rng))
    yield from _missing(case)
    yield from _strengths(case)
    if weighing.support and not case.against and not any(fit.whole for fit in weighing.rivals()):
        yield case.move("against", "none_against")
    if weighing.relation == "absent":
        keys = ["at_rest"] * 3 if emotion == "neutral" else ["no_movement"] * 3
        yield from (case.move("support", key) for key in keys)
    elif not weighing.support and emotion != "neutral":
        yield case.move("support", "others_needed")
    yield from _rivals(case)
    if common := coding.seen & COMMON:
        yield case.move("strength", "common", common=case.cite(common))
    if weighing.idle:
        yield case.move("strength", "idle", idle=case.cite(weighing.idle))
    if coding.seen and coding.seen <= OPEN_MOUTH:
        yield case.move("strength", "open_mouth")
    if len(coding.seen) == 1:
        yield case.move("strength", "thin")
    if case.faint and emotion != "neutral":
        yield case.move("strength", "faint")
    yield from _alike(case)
    if regions := regions_at_rest(coding):
        chosen = case.rng.sample(regions, min(len(regions), case.rng.randint(1, 2)))
        if wording.joined(chosen).endswith("s") or len(chosen) > 1:
            yield case.move("picture", "quiet_move", regions=wording.joined(chosen))


def _support(case: Argument) -> Move:
    fit = case.weighing.fit
    assert fit is not None  # only neutral has none
    if not fit.whole:
        return case.move("support", "part", **{"for": case.cite(case.weighing.support)})
    return case.move("support", "whole" if len(fit.seen) > 1 else "whole_one", fit=case.cite(fit.seen))


def _missing(case: Argument) -> Iterator[Move]:
    fit, absent = case.weighing.fit, case.coding.absent
    if fit is None:
        return
    if not fit.whole:
        if lacking := fit.missing & absent:
            yield case.move("support", "missing", **case.absence(lacking))
        if fit.missing - absent:
            yield case.move("support", "open")
        return
    fuller = [row.required - case.coding.seen for row in facs.prototypes(fit.emotion) if row.required > fit.required]
    if lacking := frozenset[int]().union(*(units for units in fuller if units <= absent)):
        yield case.move("support", "fuller", **case.absence(lacking))


def _rivals(case: Argument) -> Iterator[Move]:
    absent = case.coding.absent
    for fit in case.weighing.rivals()[:3]:
        shared = case.cite(fit.seen)
        if lacking := fit.missing & absent - COMMON:
            yield case.move("rival", "rival_lacks", rival=fit.emotion, shared=shared, **case.absence(lacking))
        elif fit.whole:
            yield case.move("rival", "rival_has", rival=fit.emotion, shared=shared)
    nothing = [each for each in case.weighing.nothing_of() if each != "contempt"]
    for rival in case.rng.sample(nothing, min(2, len(nothing))):
        if lacking := case.rng.choice(facs.prototypes(rival)).required & absent - COMMON:
            yield case.move("rival", "rival_nothing", rival=rival, **case.absence(lacking))
    if len(nothing) > 1:
        chosen = case.rng.sample(nothing, case.rng.randint(2, min(4, len(nothing))))
        yield case.move("rival", "nothing_of", emotions=wording.joined(chosen, "or"))


def _strengths(case: Argument) -> Iterator[Move]:
    graded = [each for each in case.coding.observations if each.au not in case.coding.ungraded]
    if len(graded) < 2 or case.coding.ungraded:
        return
    support, against = case.weighing.support, case.against
    first, second = (INTENSITY_VALUES[each.intensity] for each in graded[:2])
    if first > second and graded[0].au in support | against:
        key = "strongest_for" if graded[0].au in support else "strongest_against"
        yield case.move("strength", key, top=case.cite([graded[0].au]))
    for top, low in ((support, against), (against, support)):
        strong = [each.au for each in graded if each.au in top]
        weak = [each.au for each in graded if each.au in low and each.intensity < graded[0].intensity]
        if strong and weak and graded[0].au in strong:
            yield case.move("strength", "outweighs", top=case.cite([graded[0].au]), low=case.cite(weak[:1]))


def _one_sided(case: Argument) -> Iterator[Move]:
    for side in ("left", "right"):
        codes = [each.au for each in case.coding.observations if each.side == side]
        if not codes:
            continue
        own = case.label.emotion == "contempt" and set(codes) & case.weighing.support
        sided = case.cite(sorted(own) if own else codes)
        yield case.move("strength", "one_sided_for" if own else "one_sided", sided=sided, side=side)


def _compound(case: Argument) -> Iterator[Move]:
    row = case.compound
    if row is None:
        return
    (partner,) = (each for each in row.emotions if each != case.label.emotion)
    if row.aus <= case.coding.seen:
        yield case.move("picture", "compound", units=case.cite(row.aus, plain=True), name=row.name, partner=partner)
    else:
        yield case.move("picture", "compound_named", name=row.name, partner=partner)


def _distribution(case: Argument) -> Iterator[Move]:
    shares = case.label.distribution or {}
    others = {emotion: share for emotion, share in shares.items() if emotion != case.label.emotion}
    if not others:
        return
    own, other = shares.get(case.label.emotion, 0.0), max(others, key=lambda emotion: others[emotion])
    if others[other] > own:
        yield case.move("split", "minority", other=other)
    elif others[other] >= SPLIT:
        words = {"share": TENTHS[round(10 * own)], "other_share": TENTHS[round(10 * others[other])]}
        yield case.move("split", "split", other=other, **words)
    elif own >= 0.9:
        yield case.move("split", "agreed")


def _neutral(case: Argument) -> Iterator[Move]:
    best = case.weighing.best
    if not case.coding.observations:
        yield case.move("support", "at_rest")
    elif best.whole and not case.faint:
        yield case.move("against", "neutral_despite", rival=best.emotion)
    else:
        if not best.whole:
            yield case.move("support", "neutral_for")
        rival = typical_of(case.coding.seen, case.coding, "neutral")
        yield case.move("against", "neutral_against", seen=case.cite(case.coding.seen), rival=rival)
        if case.faint:
            yield case.move("strength", "faint")


def _alike(case: Argument) -> Iterator[Move]:
    for code in sorted(case.coding.seen - COMMON):
        emotions = shared_by([code], case.coding)
        if emotions == (case.label.emotion,) and case.coding.absent:
            continue
        if 0 < len(emotions) < 3:
            yield case.move("rival", "known", units=case.cite([code]), emotions=wording.joined(emotions))
        elif emotions:
            yield case.move("rival", "alike", units=case.cite([code]), emotions=wording.joined(emotions))
