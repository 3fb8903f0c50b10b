"""The local backend on a model of the embedded one's architecture with random weights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from facevlm import prompting
from facevlm.data.cot import short
from facevlm.errors import PrerequisiteError
from facevlm.faces.cues import cue_table
from facevlm.models import Piece, Sampling
from facevlm.models.commitment import Candidate, Step, first_named
from facevlm.models.local import GRAMMARS, LocalModel
from facevlm.models.streamer import Streamer
from facevlm.reasoning.parse import parse_face
from facevlm.training.embedded import nano as shape
from facevlm.types import EMOTIONS, ActionUnit, Conversation, Generation, Turn


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    made = tmp_path_factory.mktemp("random-nano")
    answer = short.write((), "nothing moves: neutral.", "neutral", ("interpretation", "emotion"))
    tokenizer = shape.tokenizer([answer, "explain\nlabel\n"])
    shape.model(tokenizer).save_pretrained(made)
    shape.processor(tokenizer).save_pretrained(made)
    (made / "facevlm.json").write_text(json.dumps({"asks": "face", "crop_size": 64}))
    return made


@pytest.fixture(scope="module")
def model(folder: Path) -> LocalModel:
    return LocalModel(folder, None, name="random", threads=1)


def asked(seed: int, prompt: str = "sov-cot") -> Conversation:
    rng = np.random.default_rng(seed)
    template = prompting.load(prompt, "face")
    units = {code: ActionUnit(code=code, value=float(rng.random())) for code in (4, 12, 25)}
    text = prompting.face_text(template, {cue.name: float(rng.normal()) for cue in cue_table()}, units)
    crop = Image.fromarray(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8))
    schema = prompting.answer_schema(template, None)
    return Conversation(turns=(Turn(role="user", text=text, images=(crop,)),), answer_schema=schema, max_tokens=900)


def written(answer: object) -> Generation:
    assert isinstance(answer, Generation)
    return answer


def test_even_random_weights_cannot_write_an_invalid_answer(model: LocalModel) -> None:
    for answer in model.generate([asked(seed) for seed in range(4)]):
        parse_face(written(answer).text, prompting.load("sov-cot", "face").answer)


def test_a_batch_gives_each_conversation_the_answer_it_gets_alone(model: LocalModel) -> None:
    together = [written(each).text for each in model.generate([asked(1, "sov-label"), asked(2, "sov-label")])]
    apart = [written(model.generate([asked(seed, "sov-label")])[0]).text for seed in (1, 2)]
    assert together == apart


def test_prompts_of_different_schemas_share_a_batch(model: LocalModel) -> None:
    long, short = model.generate([asked(1, "sov-cot"), asked(1, "sov-label")])
    assert "observations" in json.loads(written(long).text)
    assert list(json.loads(written(short).text)) == ["emotion"]


def test_the_emotion_of_a_label_is_the_likeliest_of_the_eight(nano: Path) -> None:
    trained = LocalModel(nano, None, name="nano", threads=1)
    answer = written(trained.generate([asked(5, "sov-label")])[0])
    assert answer.probabilities is not None
    assert set(answer.probabilities) == set(EMOTIONS)
    assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-3)
    assert json.loads(answer.text)["emotion"] == max(answer.probabilities, key=answer.probabilities.__getitem__)


def test_a_temperature_sharpens_the_probabilities_and_changes_no_answer(nano: Path) -> None:
    warm = LocalModel(nano, None, name="nano", threads=1)
    sharp = LocalModel(nano, None, name="nano", threads=1)
    sharp._temperature = 0.5
    before, after = (written(model.generate([asked(5, "sov-label")])[0]) for model in (warm, sharp))
    assert before.text == after.text
    assert before.probabilities is not None
    assert after.probabilities is not None
    assert max(after.probabilities.values()) > max(before.probabilities.values())


def test_sampling_with_a_seed_repeats_itself(model: LocalModel) -> None:
    first, second = (model.generate([asked(1)], temperature=1.0, seed=7)[0] for _ in range(2))
    assert written(first).text == written(second).text


def test_training_and_serving_tokenize_a_prompt_alike(model: LocalModel) -> None:
    from facevlm.training.embedded.writing import Writer

    conversation = asked(3)
    tokenizer = model.processor.tokenizer
    writer = Writer(tokenizer, {"sov-cot": 1.0}, seed=0)
    served = model.encode([conversation])["input_ids"][0].tolist()
    assert tokenizer(writer.image + conversation.turns[0].text + shape.END)["input_ids"] == served


def test_a_prompt_costs_one_token_a_cue_and_a_unit(model: LocalModel) -> None:
    length = model.encode([asked(0)])["input_ids"].shape[1]
    assert length < len(cue_table()) + 3 + shape.IMAGE_TOKENS + 10


def test_a_folder_that_holds_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(PrerequisiteError, match="cannot be loaded as a vision-language model"):
        LocalModel(tmp_path, None, name="empty")


async def test_answers_come_without_blocking_the_event_loop(model: LocalModel) -> None:
    (answer,) = await model.agenerate([asked(1, "sov-label")])
    assert "emotion" in written(answer).text


async def pieces(model: LocalModel, *conversations: Conversation) -> list[Piece]:
    return [piece async for piece in model.pieces(conversations)]


async def test_pieces_make_up_the_answers_of_a_batch(model: LocalModel) -> None:
    conversations = [asked(1, "sov-cot"), asked(2, "sov-label")]
    told = await pieces(model, *conversations)
    for index, answer in enumerate(model.generate(conversations)):
        own = [piece for piece in told if piece.index == index]
        assert own[-1].answer == answer
        assert "".join(piece.text for piece in own) == written(answer).text
        assert len(own) > 2


async def test_an_answer_that_nobody_listens_to_is_not_written_to_its_end(model: LocalModel) -> None:
    puts = 0

    class Counting(Streamer):
        def put(self, tokens: Tensor) -> None:
            nonlocal puts
            puts += 1
            super().put(tokens)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("facevlm.models.streamer.Streamer", Counting)
        whole = written((await model.answers([asked(1)]))[0]).usage["completion_tokens"]
        everything, puts = puts, 0
        stream = model.pieces([asked(1)])
        await anext(stream)
        await stream.aclose()
        await model.answers([asked(1, "sov-label")], Sampling(max_tokens=1))  # its turn comes when the other has ended
    assert everything > whole > 20
    assert puts < everything / 2


async def test_usage_counts_neither_padding_nor_what_follows_the_end(model: LocalModel) -> None:
    conversations = [asked(1, "sov-cot"), asked(2, "sov-label")]
    together = [written(each).usage for each in await model.answers(conversations)]
    apart = [written((await model.answers([each]))[0]).usage for each in conversations]
    assert together == apart
    assert all(each["total_tokens"] == each["prompt_tokens"] + each["completion_tokens"] for each in together)


async def test_no_answer_is_longer_than_sampling_allows(model: LocalModel) -> None:
    (answer,) = await model.answers([asked(1)], Sampling(max_tokens=5))
    assert written(answer).usage["completion_tokens"] == 5
    assert written(answer).cut


async def test_an_answer_that_ends_by_itself_is_whole(model: LocalModel) -> None:
    (whole,) = await model.answers([asked(1, "sov-label")])
    assert not written(whole).cut
    (again,) = await model.answers(
        [asked(1, "sov-label")], Sampling(max_tokens=written(whole).usage["completion_tokens"])
    )
    assert (written(again).text, written(again).cut) == (written(whole).text, False)


def test_only_so_many_schemas_are_kept_compiled(model: LocalModel) -> None:
    for number in range(GRAMMARS + 3):
        model._grammar({"type": "object", "properties": {f"field{number}": {"type": "boolean"}}})
    assert len(model._grammars) == GRAMMARS


@pytest.mark.parametrize("temperature", [1.0, 0.55])
def test_the_same_steps_commit_at_the_same_place_here_and_behind_an_endpoint(
    model: LocalModel, monkeypatch: pytest.MonkeyPatch, temperature: float
) -> None:
    text = '{"observations":[],"interpretation":"nothing moves: fear.","emotion":"anger"}'
    tokens = model.tokenizer(text, return_tensors="pt")["input_ids"][0]
    logits = [torch.randn(1, len(model.tokenizer)) for _ in tokens]
    steps = [_step(model, int(token), row[0].log_softmax(0)) for token, row in zip(tokens, logits, strict=True)]
    monkeypatch.setattr(model, "_temperature", temperature)
    here, there = model._probabilities(tokens, 0, logits), first_named(steps, text, temperature)
    assert here is not None
    assert there == pytest.approx(here, abs=1e-4)


def _step(model: LocalModel, token: int, chances: Tensor) -> Step:
    """One step as an endpoint tells it, the eight emotions among its candidates."""
    ids = (token, *model._emotion_ids)
    told = [Candidate(token=model.tokenizer.decode([each]), logprob=float(chances[each])) for each in ids]
    return Step(**told[0], top_logprobs=told)


def test_python_that_drops_asserts_is_refused() -> None:
    code = "from facevlm.models.local import LocalModel; LocalModel('nowhere', None, name='nano')"
    ended = subprocess.run([sys.executable, "-O", "-c", code], capture_output=True, text=True, check=False)
    assert "PrerequisiteError: Python runs with -O or PYTHONOPTIMIZE" in ended.stderr


def test_the_threads_that_the_environment_names_are_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        monkeypatch.setenv("OMP_NUM_THREADS", "3")
        LocalModel(folder, None, name="chance")
        assert torch.get_num_threads() == 3
        LocalModel(folder, None, name="chance", threads=1)
        assert torch.get_num_threads() == 1
        monkeypatch.delenv("OMP_NUM_THREADS")
        LocalModel(folder, None, name="chance")
        assert torch.get_num_threads() == len(os.sched_getaffinity(0))
    finally:
        torch.set_num_threads(before)
