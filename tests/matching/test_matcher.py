from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facevlm import marks
from facevlm.errors import InputError, PrerequisiteError
from facevlm.matching.matcher import Matcher
from facevlm.reasoning.seeing import find


def test_faces_and_texts_are_vectors_of_length_one_in_one_space(matcher: Matcher, crops: list[Image.Image]) -> None:
    faces, texts = matcher.faces(crops), matcher.texts(["a smile", "frown"])
    assert faces.shape == (5, matcher.dim) and texts.shape == (2, matcher.dim) and faces.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(np.concatenate([faces, texts]), axis=1), 1, atol=1e-5)


def test_no_face_is_no_vector(matcher: Matcher) -> None:
    assert matcher.faces([]).shape == (0, matcher.dim)


def test_a_face_has_the_same_vector_in_any_company(matcher: Matcher, crops: list[Image.Image]) -> None:
    np.testing.assert_allclose(matcher.faces(crops)[3], matcher.faces(crops[3:4])[0], atol=1e-5)


def test_more_texts_than_one_batch_keep_their_order(matcher: Matcher) -> None:
    many = ["smile", "frown", "pout"] * 40
    np.testing.assert_allclose(matcher.texts(many)[99:102], matcher.texts(many[:3]), atol=1e-5)


def test_a_crop_is_as_the_matcher_was_trained_on_them_and_plain_for_others(
    matcher: Matcher, speller: Matcher, astronaut: Path
) -> None:
    found = find(astronaut)
    image, face = found.picture.image, found.faces[0]
    assert matcher.crop(image, face).tobytes() == marks.crop(image, face, 64, "landmarks").tobytes()
    assert speller.crop(image, face).tobytes() == marks.crop(image, face, 224, "plain").tobytes()


def test_threads_read_texts_as_one_alone_does(matcher: Matcher) -> None:
    asked = [["smile"], ["a sad face", "frown"], ["no anger"], ["left lip corner puller"]] * 8
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(matcher.texts, asked))
    for texts, found in zip(asked, together, strict=True):
        np.testing.assert_allclose(found, matcher.texts(texts), atol=1e-5)


def test_the_same_weights_have_the_same_fingerprint_and_others_another(matcher: Matcher, tiny_clip: Path) -> None:
    import torch

    again = Matcher(str(tiny_clip))
    assert again.fingerprint == matcher.fingerprint
    again = Matcher(str(tiny_clip))
    with torch.no_grad():
        again._model.logit_bias += 1
    assert again.fingerprint != matcher.fingerprint


def test_a_folder_of_ones_own_goes_by_its_name_without_its_path(matcher: Matcher) -> None:
    assert matcher.name == "tiny-clip"


@pytest.mark.parametrize(
    ("text", "hint"),
    [("smilling", "did you mean smiling"), ("ein Lächeln", "'ein'"), ("怒り", "English words"), ("joie", "'joie'")],
)
def test_a_word_never_shown_is_refused_with_the_nearest_known(matcher: Matcher, text: str, hint: str) -> None:
    with pytest.raises(InputError, match=hint):
        matcher.texts([text])
    assert not matcher.knows(text)


@pytest.mark.parametrize("text", ["", " ,.", "smile " * 32])
def test_a_text_without_a_word_or_with_too_many_is_refused(matcher: Matcher, text: str) -> None:
    with pytest.raises(InputError, match="reads 1 to 31"):
        matcher.texts([text])


def test_a_model_that_spells_reads_any_word(speller: Matcher) -> None:
    assert speller.knows("ein Lächeln") and speller.texts(["ein Lächeln"]).shape == (1, 16)


def test_a_model_without_facts_of_its_own_compares_labels_only(speller: Matcher) -> None:
    assert (speller.bias, speller.temperature) == (None, 1.0)


def test_an_unknown_name_is_told_with_its_neighbours() -> None:
    with pytest.raises(InputError, match=r"^ViT-B-33: .*ViT-B-32"):
        Matcher("ViT-B-33")


def test_a_named_architecture_needs_weights(named_weights: Path) -> None:
    with pytest.raises(InputError, match="tiny-ViT: name its weights with --checkpoint"):
        Matcher("tiny-ViT")


def test_weights_that_are_no_file_and_no_tag_are_told(named_weights: Path) -> None:
    with pytest.raises(InputError, match="opennai: no such file, nor a tag of weights of ViT-B-32, as are openai"):
        Matcher("ViT-B-32", "opennai")


def test_weights_of_another_shape_are_told(tiny_clip: Path, named_weights: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="weights of another shape than tiny-ViT has"):
        Matcher("tiny-ViT", str(tiny_clip / "open_clip_model.safetensors"))
    shutil.copytree(tiny_clip, tmp_path / "mixed")
    shutil.copy(named_weights, tmp_path / "mixed" / "open_clip_model.safetensors")
    with pytest.raises(InputError, match="weights of another shape"):
        Matcher(str(tmp_path / "mixed"))


@pytest.mark.parametrize("name", ["weights.pt", "weights.safetensors"])
def test_a_file_that_holds_no_weights_is_told_in_one_line(named_weights: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("not weights at all")
    with pytest.raises(InputError, match=f"{name}: cannot be loaded by open_clip") as told:
        Matcher("tiny-ViT", str(tmp_path / name))
    assert "\n" not in str(told.value) and len(str(told.value)) < 300


def test_a_folder_that_is_no_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no open_clip_config\.json"):
        Matcher(str(tmp_path))


def test_a_folder_without_weights_says_how_they_are_made(tiny_clip: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_clip, tmp_path / "bare", ignore=shutil.ignore_patterns("*.safetensors"))
    with pytest.raises(PrerequisiteError, match="holds no weights; train them with `facevlm train clip`"):
        Matcher(str(tmp_path / "bare"))


def test_a_folder_takes_no_weights_beside_its_own(tiny_clip: Path) -> None:
    with pytest.raises(InputError, match="leave --checkpoint out"):
        Matcher(str(tiny_clip), "openai")


def test_loading_writes_nothing_and_leaves_logging_as_it_was(
    tiny_clip: Path, named_weights: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    import logging

    before = logging.getLogger().handlers[:], logging.getLogger().filters[:]
    Matcher(str(tiny_clip))
    with pytest.raises(InputError):
        Matcher("tiny-ViT", str(tiny_clip / "open_clip_model.safetensors"))
    assert capfd.readouterr() == ("", "")
    assert (logging.getLogger().handlers, logging.getLogger().filters) == before
