from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facevlm.matching.matcher import Matcher
from facevlm.matching.matching import Choice
from facevlm.types import EMOTIONS


@pytest.fixture(scope="session")
def matcher(tiny_clip: Path) -> Matcher:
    return Matcher(str(tiny_clip))


@pytest.fixture(scope="session")
def choice(matcher: Matcher) -> Choice:
    """The eight emotions, as that matcher is asked about them."""
    return Choice(matcher, EMOTIONS)


@pytest.fixture(scope="session")
def named_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of «tiny-ViT», an architecture that open_clip now knows by name; it can spell any word, as CLIP does."""
    import open_clip
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("architecture")
    vision = {"image_size": 32, "layers": 1, "width": 32, "head_width": 32, "patch_size": 16}
    text = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 1, "layers": 1}
    (folder / "tiny-ViT.json").write_text(json.dumps({"embed_dim": 16, "vision_cfg": vision, "text_cfg": text}))
    open_clip.add_model_config(folder / "tiny-ViT.json")
    state = open_clip.create_model("tiny-ViT").state_dict()
    save_file({name: each.contiguous() for name, each in state.items()}, folder / "tiny-ViT.safetensors")
    return folder / "tiny-ViT.safetensors"


@pytest.fixture(scope="session")
def speller(named_weights: Path) -> Matcher:
    return Matcher("tiny-ViT", str(named_weights))


@pytest.fixture(scope="session")
def two_faces(astronaut: Path) -> Image.Image:
    """The same photograph twice side by side, the second time smaller."""
    canvas = Image.new("RGB", (960, 512), "grey")
    picture = Image.open(astronaut).convert("RGB")
    canvas.paste(picture, (0, 0))
    canvas.paste(picture.resize((430, 430)), (520, 40))
    return canvas


@pytest.fixture(scope="session")
def crops() -> list[Image.Image]:
    """Five pictures of noise."""
    noise = np.random.default_rng(0).integers(0, 255, (5, 64, 64), dtype=np.uint8)
    return [Image.fromarray(each).convert("RGB") for each in noise]
