"""
Draw src/netloom/images/sample.png: a lake between hills, 640 x 480 pixels.

It has what shows a resize mode at work: a round sun and a square window (squash bends
them), things near every edge (crop loses them), fine lines (poor filters break them),
smooth sky (JPEG blocks show). By hand:

    .venv/bin/python scripts/draw_sample.py
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT, FINER = 640, 480, 3  # drawn larger by FINER, then shrunk: smooth edges
HORIZON = 300
TARGET = Path(__file__).resolve().parent.parent / "src" / "netloom" / "images" / "sample.png"

Canvas = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]  # RGB


def draw() -> Canvas:
    """Return the picture, 480 x 640 x 3 RGB."""
    canvas = gradient((86, 142, 201), (250, 214, 176), HORIZON, (41, 92, 118), (20, 52, 74))
    disc(canvas, (478, 128), 44, (255, 238, 196))
    hills(canvas, 196, 46, 0.9, (134, 150, 178), 1)
    hills(canvas, 236, 34, 1.5, (92, 118, 132), 2)
    hills(canvas, 272, 22, 2.6, (58, 92, 84), 3)
    ripples(canvas)
    shore(canvas)
    house(canvas, 96, 330)
    fir(canvas, 40, 392, 150)
    fir(canvas, 250, 404, 96)
    fir(canvas, 604, 440, 210)
    boat(canvas, 420, 372)
    fence(canvas)
    return cv2.resize(canvas, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.uint8)


def gradient(sky: Colour, haze: Colour, horizon: int, near: Colour, far: Colour) -> Canvas:
    """Return a canvas with the sky above and the water below the horizon."""
    rows = np.arange(HEIGHT * FINER) / FINER
    above = np.clip(rows / horizon, 0, 1)[:, None]
    below = np.clip((rows - horizon) / (HEIGHT - horizon), 0, 1)[:, None]
    air = np.array(sky) * (1 - above) + np.array(haze) * above
    water = np.array(near) * (1 - below) + np.array(far) * below
    column = np.where(rows[:, None] < horizon, air, water)
    return np.repeat(column[:, None], WIDTH * FINER, axis=1).astype(np.uint8)


def polygon(canvas: Canvas, points: list[tuple[float, float]], colour: Colour) -> None:
    """Fill a polygon given in pixels of the finished picture."""
    corners = np.rint(np.array(points) * FINER).astype(np.int32)
    cv2.fillPoly(canvas, [corners], colour, cv2.LINE_AA)


def line(canvas: Canvas, start: tuple[float, float], end: tuple[float, float], c: Colour) -> None:
    """Draw a line one pixel wide."""
    first, last = ((round(x * FINER), round(y * FINER)) for x, y in (start, end))
    cv2.line(canvas, first, last, c, FINER, cv2.LINE_AA)


def disc(canvas: Canvas, centre: tuple[int, int], radius: int, colour: Colour) -> None:
    """Fill a circle with a soft glow around it."""
    glow = canvas.copy()
    place = (centre[0] * FINER, centre[1] * FINER)
    cv2.circle(glow, place, radius * FINER * 2, colour, -1, cv2.LINE_AA)
    soft = cv2.GaussianBlur(glow, (0, 0), radius * FINER * 0.5)
    canvas[:] = cv2.addWeighted(canvas, 0.55, soft, 0.45, 0)
    cv2.circle(canvas, place, radius * FINER, colour, -1, cv2.LINE_AA)


def hills(canvas: Canvas, base: int, rise: int, waves: float, colour: Colour, seed: int) -> None:
    """Fill a ridge from its top down to the horizon."""
    phases = np.random.RandomState(seed).uniform(0, 2 * np.pi, 5)
    x = np.linspace(0, 2 * np.pi * waves, 161)
    heights = sum(np.sin(x * 1.9**k + phases[k]) / 1.8**k for k in range(5))
    ridge = base - rise * (heights / 1.6)
    points = list(zip(np.linspace(0, WIDTH, 161), np.minimum(ridge, HORIZON), strict=True))
    polygon(canvas, [(0, HORIZON), *points, (WIDTH, HORIZON)], colour)


def ripples(canvas: Canvas) -> None:
    """Draw short bright lines on the water, denser below the sun."""
    random = np.random.RandomState(4)
    for _ in range(420):
        depth = random.uniform(0.02, 1) ** 1.6
        y = HORIZON + 4 + depth * (HEIGHT - HORIZON)
        near_sun = random.uniform() < 0.5
        x = random.normal(478, 24 + 40 * depth) if near_sun else random.uniform(0, WIDTH)
        length = 4 + 26 * depth
        colour = (238, 208, 164) if near_sun else (82, 132, 152)
        line(canvas, (x - length / 2, y), (x + length / 2, y), colour)


def shore(canvas: Canvas) -> None:
    """Fill the meadow in the foreground."""
    x = np.linspace(0, WIDTH, 81)
    y = 396 + 26 * np.sin(x / 118 + 2.4) + 46 * (x / WIDTH) ** 2 - 22 * np.exp(-x / 130)
    points = list(zip(x, y, strict=True))
    polygon(canvas, [(0, HEIGHT), *points, (WIDTH, HEIGHT)], (74, 112, 58))
    random = np.random.RandomState(5)
    for _ in range(900):
        left = random.uniform(0, WIDTH)
        top = np.interp(left, x, y) + random.uniform(4, 90)
        blade = (96 + random.randint(40), 138 + random.randint(40), 62)
        line(canvas, (left, top), (left + random.uniform(-3, 3), top - 7), blade)


def house(canvas: Canvas, left: int, top: int) -> None:
    """Draw a wooden house with a square window."""
    polygon(
        canvas,
        [(left, top), (left + 108, top), (left + 108, top + 72), (left, top + 72)],
        (168, 62, 48),
    )
    for x in range(left + 9, left + 108, 9):
        line(canvas, (x, top), (x, top + 72), (138, 46, 38))
    polygon(canvas, [(left - 10, top), (left + 54, top - 48), (left + 118, top)], (66, 58, 64))
    square(canvas, left + 16, top + 18, 30, (248, 226, 150))
    line(canvas, (left + 31, top + 18), (left + 31, top + 48), (90, 50, 40))
    line(canvas, (left + 16, top + 33), (left + 46, top + 33), (90, 50, 40))
    door = [(left + 68, top + 24), (left + 92, top + 24), (left + 92, top + 72)]
    polygon(canvas, [*door, (left + 68, top + 72)], (84, 52, 44))


def square(canvas: Canvas, left: int, top: int, side: int, colour: Colour) -> None:
    """Fill a square with a white frame."""
    for grow, paint in ((3, (240, 236, 228)), (0, colour)):
        low, high = -grow, side + grow
        corners = [(low, low), (high, low), (high, high), (low, high)]
        polygon(canvas, [(left + x, top + y) for x, y in corners], paint)


def fir(canvas: Canvas, x: int, foot: int, tall: int) -> None:
    """Draw a fir tree."""
    polygon(
        canvas,
        [
            (x - tall * 0.03, foot),
            (x + tall * 0.03, foot),
            (x + tall * 0.03, foot - tall * 0.2),
            (x - tall * 0.03, foot - tall * 0.2),
        ],
        (82, 60, 46),
    )
    for step in range(4):
        low = foot - tall * (0.1 + 0.2 * step)
        half = tall * (0.26 - 0.05 * step)
        green = (32 + 8 * step, 74 + 10 * step, 52 + 4 * step)
        polygon(canvas, [(x - half, low), (x, low - tall * 0.36), (x + half, low)], green)


def boat(canvas: Canvas, x: int, y: int) -> None:
    """Draw a sailing boat with thin rigging."""
    polygon(canvas, [(x - 34, y), (x + 34, y), (x + 22, y + 14), (x - 24, y + 14)], (246, 240, 230))
    polygon(canvas, [(x + 3, y - 6), (x + 3, y - 74), (x + 36, y - 6)], (236, 122, 60))
    polygon(canvas, [(x - 3, y - 6), (x - 3, y - 60), (x - 26, y - 6)], (252, 246, 236))
    line(canvas, (x, y), (x, y - 80), (70, 52, 44))
    line(canvas, (x - 34, y), (x, y - 80), (70, 52, 44))


def fence(canvas: Canvas) -> None:
    """Draw a fence along the lower edge."""
    for x in range(6, WIDTH, 22):
        polygon(
            canvas, [(x, 478), (x, 446), (x + 4, 441), (x + 8, 446), (x + 8, 478)], (226, 214, 196)
        )
    for y in (452, 466):
        polygon(canvas, [(0, y), (WIDTH, y), (WIDTH, y + 4), (0, y + 4)], (206, 192, 172))


if __name__ == "__main__":
    picture = cv2.cvtColor(draw(), cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(TARGET), picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    print(f"{TARGET.name}: {TARGET.stat().st_size:,} bytes")
