"""Settings a user may give by environment (`FACEVLM_…`), and where the files that ship with FaceVLM lie."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from facevlm.errors import PrerequisiteError

PACKAGE = Path(__file__).resolve().parent


class Settings(BaseSettings):
    """Defaults of every command; a command's own option wins over the environment."""

    model_config = SettingsConfigDict(env_prefix="FACEVLM_", env_ignore_empty=True, extra="ignore", frozen=True)

    model: str = Field(default="nano", description="Model name, see `facevlm models`.")
    adapter: str | None = Field(
        default=None, description="LoRA adapter: a name in adapters/ or a folder; «none» for the bare base."
    )
    base_url: str | None = Field(default=None, description="OpenAI-compatible endpoint, e.g. http://localhost:8001/v1.")
    api_key_env: str = Field(
        default="OPENAI_API_KEY", description="Name of the variable that holds the endpoint's key."
    )
    prompt: str | None = Field(default=None, description="Prompt name, see prompts/.")
    marks: Literal["plain", "box", "number", "landmarks"] = Field(
        default="landmarks", description="What is drawn on faces."
    )
    timeout: float = Field(default=120.0, gt=0, description="Seconds an endpoint may take for one answer.")
    threads: int | None = Field(
        default=None, gt=0, description="CPU threads of the local model; the machine's cores by default."
    )
    max_pixels: int = Field(
        default=120_000_000, gt=0, description="Pictures with more pixels are refused before decoding."
    )
    max_bytes: int = Field(default=100_000_000, gt=0, description="Files with more bytes are refused before reading.")


def asset_dir(kind: Literal["prompts", "adapters", "evals", "app"]) -> Path:
    """The folder of one kind of file that ships: beside the package in a checkout, inside it in a wheel."""
    packed = PACKAGE / "assets" / kind
    return packed if packed.is_dir() else PACKAGE.parent / kind


def model_folder(given: str, holding: str, shipped: str | None = None) -> Path | None:
    """Where the model or adapter of a name lies: among those that ship, else a folder of one's own.

    Args:
        given: its name, or the folder.
        holding: a file that tells such a folder from others.
        shipped: the name it has among those that ship, where that is another.

    Returns:
        The folder; None where neither holds the file.
    """
    places = (asset_dir("adapters") / (shipped or given), Path(given).expanduser())
    return next((folder for folder in places if (folder / holding).is_file()), None)


def demo_picture() -> Path:
    """The public-domain photograph of the demo, 512 × 512, which scikit-image ships.

    Raises:
        PrerequisiteError: scikit-image is not installed whole.
    """
    spec = find_spec("skimage")
    file = Path(spec.origin or "").parent / "data" / "astronaut.png" if spec else Path("astronaut.png")
    if not file.is_file():
        raise PrerequisiteError(f"{file}: the demo's picture is missing; pip install --force-reinstall scikit-image")
    return file
