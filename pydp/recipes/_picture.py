"""A picture of one digit, as an image of the digits' data: 8 x 8, the ink from 0 to 1.

    any image file ── grey ── ink ── crop ── 32 x 32 ── thicken ── 8 x 8

The data was made from 32 x 32 bitmaps of thick strokes, the digit as high as the image and about
three quarters as wide, by counting the ink in blocks of 4 x 4. The same is done here. The paper is
what the border of the picture shows, so dark on light and light on dark are read alike.

Pillow (the extra `image`) reads the file; a path that is no ordinary file is never opened.
"""

from __future__ import annotations

import os
import stat
import warnings
from typing import IO, Any

import numpy as np

from pydp.recipes._recipe import InputError, RecipeError

Array = np.ndarray[Any, Any]

MOST_PIXELS = 100_000_000
WORKING_SIDE = 256  # larger pictures are shrunk to this first
BITMAP, BLOCK = 32, 4
WIDTHS = (10, 24)  # of a digit in the bitmap
LEAST_CONTRAST = 0.1
USUAL_INK = 0.3  # share of the bitmap, as in the data


def read_digit(path: str) -> Array:
    """The digit in an image file, float32 `(1, 8, 8)`."""
    _need_pillow()
    with _open(path) as file:
        grey = _grey(file, path)
    ink = _ink(grey)
    if ink is None:
        raise InputError(f"{path}: no digit found: the picture is blank")
    bitmap = _thickened(_fitted(_cropped(ink)))
    side = BITMAP // BLOCK
    blocks = bitmap.reshape(side, BLOCK, side, BLOCK).mean(axis=(1, 3), keepdims=True)
    return np.asarray(np.rint(blocks * 16) / 16, np.float32).reshape(1, side, side)


def _need_pillow() -> None:
    try:
        import PIL.Image  # noqa: F401
    except ImportError:
        raise RecipeError("predict needs Pillow: pip install 'pydp-tensor[image]'") from None


def _open(path: str) -> IO[bytes]:
    try:
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except ValueError as error:  # a NUL in the name
        raise InputError(f"{path!r}: {error}") from None
    file = os.fdopen(number, "rb") if stat.S_ISREG(os.fstat(number).st_mode) else None
    if file is None:
        os.close(number)
        raise InputError(f"{path}: not an ordinary file")
    return file


def _grey(file: IO[bytes], path: str) -> Array:
    """Brightness from 0 to 1, at most WORKING_SIDE pixels each way."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image: Any = Image.open(file)
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise InputError(f"{path}: {width} x {height} pixels are more than {MOST_PIXELS:,}")
            image = ImageOps.exif_transpose(image)
            if image.mode in ("I", "F") or image.mode.startswith("I;"):  # 16 bits and more
                deep = np.asarray(image, np.float64)
                image = Image.fromarray(np.uint8(255 * _spread(deep)))
            elif "A" in image.getbands() or "transparency" in image.info:
                image = _on_paper(image.convert("RGBA"))
            image = image.convert("L")
            image.thumbnail((WORKING_SIDE, WORKING_SIDE))
            return np.asarray(image, np.float64) / 255
        except UnidentifiedImageError:
            raise InputError(f"{path}: not an image that Pillow can read") from None
        except Image.DecompressionBombError:
            raise InputError(f"{path}: more than {MOST_PIXELS:,} pixels") from None
        except Exception as error:  # decoders raise whatever a damaged file leads them to
            what = str(error) or type(error).__name__
            raise InputError(f"{path}: damaged image: {what}") from None


def _spread(values: Array) -> Array:
    """Scaled to 0 … 1."""
    values = np.nan_to_num(values)
    low, high = values.min(), values.max()
    return np.asarray((values - low) / (high - low or 1.0))


def _on_paper(image: Any) -> Any:
    """A transparent picture on white; on black if its ink is white itself."""
    from PIL import Image

    for colour in ("white", "black"):
        paper = Image.new("RGBA", image.size, colour)
        paper.alpha_composite(image)
        if np.ptp(np.asarray(paper.convert("L"), np.float64)) >= 255 * LEAST_CONTRAST:
            break
    return paper


def _ink(grey: Array) -> Array | None:
    """0 on paper, 1 in strokes; None where nothing stands out from the paper."""
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    difference = np.median(border) - grey
    if np.abs(difference.min()) > difference.max():
        difference = -difference  # light on dark
    strongest = difference.max()
    if strongest < LEAST_CONTRAST:
        return None
    return np.asarray(np.clip((difference / strongest - 0.25) / 0.5, 0, 1))


def _cropped(ink: Array) -> Array:
    """Down to the rows and columns that strokes reach."""
    rows = np.flatnonzero(ink.max(axis=1) > 0.5)
    columns = np.flatnonzero(ink.max(axis=0) > 0.5)
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _fitted(ink: Array) -> Array:
    """As high as the bitmap, as wide as it comes within WIDTHS, in the middle."""
    from PIL import Image

    height, width = ink.shape
    width = int(np.clip(round(BITMAP * width / height), *WIDTHS))
    image = Image.fromarray(np.uint8(255 * ink))
    digit = np.asarray(image.resize((width, BITMAP), Image.Resampling.BILINEAR), np.float64) / 255
    bitmap = np.zeros((BITMAP, BITMAP))
    left = (BITMAP - width) // 2
    bitmap[:, left : left + width] = digit
    return bitmap


def _thickened(bitmap: Array) -> Array:
    """Thin strokes made as thick as the data's: each pixel becomes the largest of its neighbours
    until there is enough ink."""
    for _ in range(3):
        if bitmap.mean() >= USUAL_INK:
            break
        padded = np.pad(bitmap, 1)
        inner = padded[1:-1, 1:-1]
        sides = [padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]]
        bitmap = np.maximum.reduce([inner, *sides])
    return bitmap
