"""What the texts of answers are worth: whether they speak for the conclusion by themselves, say where it goes against
what was observed, read back as they were meant, and do not repeat themselves.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from facevlm.data import ferplus
from facevlm.data.cot import parse, short
from facevlm.data.cot.coding import Coding
from facevlm.data.cot.weigh import weigh
from facevlm.errors import InputError, OutputError
from facevlm.evaluation.intervals import Line, share
from facevlm.types import EMOTIONS, Emotion, Explanation

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

FIELDS = ("observations", "interpretation", "emotion")
AGAINST = ("unsupported", "mixed_against")  # how observations bear on an emotion that the pixels decide for
WORDINGS = 64  # of each engine's sentence; it has no more than a dozen
PHRASE = 4  # words
_EMOTION = re.compile(rf"\b({'|'.join(EMOTIONS)})\b")
_COMMITS = re.compile(rf": ({'|'.join(EMOTIONS)}), (.*)\.$")


def written(told: Explanation) -> str:
    """An explanation as the JSON it was given in."""
    return short.write(told.observations, told.interpretation, told.emotion, FIELDS)


def masked(text: str) -> str:
    """A text without a word for an emotion."""
    return _EMOTION.sub("…", text)


def reader(texts: Sequence[str], emotions: Sequence[Emotion]) -> Pipeline:
    """What tells the emotion from a masked text, and has seen nothing but such texts."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    words = TfidfVectorizer(token_pattern=r"\w+", ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    return make_pipeline(words, LogisticRegression(C=10.0, max_iter=300)).fit(
        [masked(text) for text in texts], emotions
    )


def engines_texts(arrays: Path) -> tuple[list[str], list[Emotion], NDArray[np.bool_]]:
    """What the engine writes of FER+ training faces with a strict majority, from what was measured on them; their
    emotions, and which of them are held out. Raises InputError where the arrays are missing.
    """
    from facevlm.training.embedded.writing import measured

    if not arrays.is_file():
        raise InputError(f"{arrays}: no such file; `facevlm train base` makes it, or give it with --arrays")
    with np.load(arrays) as faces:
        known = faces["majority"] >= 0
        units, majority, names = (faces[name][known] for name in ("units", "majority", "names"))
    emotions = [EMOTIONS[label] for label in majority]
    rng = random.Random(0)
    texts = [_engines(short.observe(measured(row), rng), told, rng) for row, told in zip(units, emotions, strict=True)]
    return texts, emotions, ferplus.held_out(names)


def agreement(told: Sequence[Explanation], arrays: Path) -> Iterator[Line]:
    """How far a reader of the engine's texts agrees with what is concluded."""
    texts, emotions, held = engines_texts(arrays)
    seen = [place for place, out in enumerate(held) if not out]
    trained = reader([texts[place] for place in seen], [emotions[place] for place in seen])
    own = trained.predict([masked(written(each)) for each in told])
    same = sum(guess == each.emotion for guess, each in zip(own, told, strict=True))
    yield "a reader of the engine's texts alone agrees with the emotion concluded", share(same, len(told)), "0.85"
    unseen = [place for place, out in enumerate(held) if out]
    right = trained.predict([masked(texts[place]) for place in unseen]) == [emotions[place] for place in unseen]
    yield "… with the label of engine's texts it has not seen", share(int(np.sum(right)), len(unseen)), "reported"


def against(told: Sequence[Explanation], right: Sequence[bool]) -> Iterator[Line]:
    """How often the pixels outweigh what was observed, whether the text says so, and how often that is right."""
    outweighed = [place for place, each in enumerate(told) if bearing(each) in AGAINST]
    said = [place for place in outweighed if says_as_the_engine(told[place])]
    yield "pixels outweigh the action units observed", share(len(outweighed), len(told)), "reported"
    yield "… and the text says so", share(len(said), len(outweighed)), "reported"
    yield "… accuracy there", share(sum(right[place] for place in outweighed), len(outweighed)), "reported"
    rest = [hit for place, hit in enumerate(right) if place not in set(outweighed)]
    yield "… accuracy elsewhere", share(sum(rest), len(rest)), "reported"


def quality(told: Sequence[Explanation]) -> Iterator[Line]:
    """How well the texts hold together."""
    count = len(told)
    cited = sum(cites_what_it_observed(each) for each in told)
    yield "interpretations that cite only action units they observed", share(cited, count), "reported"
    whole = sum(reads_back(each) for each in told)
    yield "answers that read back whole and without contradiction", share(whole, count), "reported"
    borne = sum(says_as_the_engine(each) for each in told)
    yield "the observations bear on the emotion as the text says", share(borne, count), "reported"
    yield "answers that repeat a phrase", share(sum(repeats(each) for each in told), count), "reported"
    different = len({each.interpretation for each in told})
    yield "different interpretations, of all", share(different, count), "reported"


def bearing(told: Explanation) -> str:
    """How the observations bear on the emotion, by the engine's word for it; empty for neutral."""
    if told.emotion == "neutral":
        return ""
    seen = Coding(observations=told.observations)
    return short.bearing_kind(seen, weigh(seen, told.emotion))


def says_as_the_engine(told: Explanation) -> bool:
    """Whether the text commits to its emotion, and goes on as the engine would of these observations."""
    match = _COMMITS.search(told.interpretation)
    if match is None or match[1] != told.emotion:
        return False
    return match[2] in {short.bearing(told.observations, told.emotion, random.Random(seed)) for seed in range(WORDINGS)}


def cites_what_it_observed(told: Explanation) -> bool:
    """Whether the interpretation rests on nothing but what was observed."""
    parsed = _parsed(told)
    return parsed is not None and not parsed.unobserved


def reads_back(told: Explanation) -> bool:
    """Whether the engine's parser reads the text, and nothing in it contradicts another part."""
    parsed, match = _parsed(told), _COMMITS.search(told.interpretation)
    if parsed is None or match is None or match[1] != told.emotion:
        return False
    seen = {claim.au for claim in parsed.claims}
    return not parsed.unobserved and not parsed.denied & seen


def repeats(told: Explanation) -> bool:
    """Whether a phrase of four words comes twice in the interpretation, or two units show in the same way."""
    words = re.findall(r"\w+", told.interpretation)
    phrases = Counter(tuple(words[place : place + PHRASE]) for place in range(len(words) - PHRASE + 1))
    evidence = Counter(each.evidence for each in told.observations)
    return any(count > 1 for count in (*phrases.values(), *evidence.values()))


def _engines(observations: Any, emotion: Emotion, rng: random.Random) -> str:
    return short.write(observations, short.interpret(observations, emotion, rng), emotion, FIELDS)


def _parsed(told: Explanation) -> Any:
    try:
        return parse(written(told))
    except OutputError:
        return None
