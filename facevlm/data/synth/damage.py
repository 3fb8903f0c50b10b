"""What happens to pictures on their way: grey, blur, small and enlarged again, noise, exposure, JPEG."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

Damage = Callable[[Image.Image, np.random.Generator], Image.Image]


def damaged(image: Image.Image, rng: np.random.Generator) -> tuple[Image.Image, list[str]]:
    """The picture after one to three damages, and their names in the order they happened."""
    count = int(rng.integers(1, 4))
    chosen = sorted(rng.choice(len(DAMAGES), count, replace=False))
    names = [list(DAMAGES)[index] for index in chosen]
    for name in names:
        image = DAMAGES[name](image, rng)
    return image, names


def _exposure(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    curve = (np.arange(256) / 255) ** rng.uniform(0.5, 1.5) * 255 * rng.uniform(0.75, 1.2)
    return image.point(np.tile(curve.clip(0, 255).astype(np.uint8), 3).tolist())


def grey(image: Image.Image) -> Image.Image:
    """The picture without its colours, as RGB."""
    return image.convert("L").convert("RGB")


def blurred(image: Image.Image, radius: float) -> Image.Image:
    """Gaussian blur; the radius is that of a picture 256 px high."""
    return image.filter(ImageFilter.GaussianBlur(image.height / 256 * radius))


def shrunk(image: Image.Image, height: int) -> Image.Image:
    """The picture scaled down to a height in pixels and up again."""
    width = max(round(image.width * height / image.height), 1)
    return image.resize((width, height), Image.Resampling.BOX).resize(image.size, Image.Resampling.BICUBIC)


def noisy(image: Image.Image, deviation: float, rng: np.random.Generator) -> Image.Image:
    """The same normal noise on all colours, of a standard deviation in grey levels of 255."""
    grain = rng.normal(0, deviation, (image.height, image.width, 1))
    return Image.fromarray((np.asarray(image) + grain).clip(0, 255).astype(np.uint8))


def compressed(image: Image.Image, quality: int) -> Image.Image:
    """The picture as JPEG of a quality from 1 to 95 leaves it."""
    store = io.BytesIO()
    image.save(store, "JPEG", quality=quality)
    return Image.open(store).convert("RGB")


def _grey(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return grey(image)


def _blur(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return blurred(image, rng.uniform(0.5, 2.2))


def _small(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Down to 56–120 px of height: faces of 30–80 px."""
    return shrunk(image, int(rng.integers(56, 121)))


def _noise(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return noisy(image, rng.uniform(3, 14), rng)


def _jpeg(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return compressed(image, int(rng.integers(12, 60)))


# In the order they happen to a picture.
DAMAGES: dict[str, Damage] = {
    "exposure": _exposure, "grey": _grey, "blur": _blur, "small": _small, "noise": _noise, "jpeg": _jpeg,
}  # fmt: skip
