"""What several packages' tests need: a real photograph, the shared data where it is, the model that ships."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from facevlm.config import asset_dir, demo_picture

os.environ.setdefault("HF_HUB_OFFLINE", "1")

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True, scope="session")
def interrupts_reach_what_tests_start() -> None:
    """A shell starts what it puts in the background deaf to Ctrl-C, and so would be all that the tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("FACEVLM_") and name != "FACEVLM_SHARED":
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def astronaut() -> Path:
    """NASA's portrait of Eileen Collins, public domain, as scikit-image ships it: one face, 512×512."""
    return demo_picture()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The material beside the checkout; a test that needs it is skipped elsewhere."""
    folder = Path(os.environ.get("FACEVLM_SHARED", CHECKOUT.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here; FACEVLM_SHARED names its parent")
    return folder


@pytest.fixture(scope="session")
def nano() -> Path:
    """The folder of the embedded base model."""
    folder = asset_dir("adapters") / "nano-base"
    if not (folder / "model.safetensors").is_file():
        pytest.skip(f"{folder} holds no weights; train them with `facevlm train base`")
    return folder


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a matcher of the shipped kind, tiny and of chance weights: it reads all words and sees nothing."""
    import open_clip
    import torch

    from facevlm.training.matcher import clip
    from facevlm.training.recipe import Clip

    folder = tmp_path_factory.mktemp("matcher") / "tiny-clip"
    chosen = Clip(renders={}, epochs=1, words=32, layers=1, dim=32)
    clip.write_configuration(folder, chosen)
    torch.manual_seed(0)
    clip.save(open_clip.create_model(f"local-dir:{folder}", load_weights=False), folder, chosen)
    return folder
