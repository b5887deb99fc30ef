"""Seeded inputs for models: random ones of every type, pages of rendered text, and synthetic music.

`feeds(run, dims, kind, seed)` gives the inputs of an onnxruntime session; kinds are `random`, `rendered-text` (an image
[n, 3, h, w] as text detectors of PaddleOCR want it) and `tones` (mono audio [n, samples, 1] at 22,050 Hz).
"""
import glob
import random

import numpy as np

KINDS = ("random", "rendered-text", "tones")


def shape_of(value, dims):
    shape = []
    for axis, extent in enumerate(value.shape):
        key = f"{value.name}.{axis}"
        fixed = isinstance(extent, int) and extent > 0
        symbol = f"{value.name}_d{axis}" if extent is None else str(extent)
        shape.append(dims[key] if key in dims else extent if fixed else dims[symbol])
    return shape


def random_values(value, shape, generator, dims):
    if value.type == "tensor(float)":
        return generator.standard_normal(shape).astype(np.float32)
    if value.type == "tensor(int64)":
        found = generator.integers(0, 1000, shape).astype(np.int64)
        for word, constant in (("mask", 1), ("type", 0)):
            if word in value.name:
                found = np.full(shape, constant, np.int64)
        return found if shape else np.array(dims.get(value.name, 16000), np.int64)
    if value.type == "tensor(int32)":
        return generator.integers(0, 256, shape).astype(np.int32)
    raise SystemExit(f"input {value.name} has type {value.type}")


def rendered_page(height, width, seed):
    """Lines of made-up words on a light or dark page, slightly turned, blurred and noisy; [3, h, w], normalised."""
    from PIL import Image, ImageDraw, ImageFilter, ImageFont

    choice, noise = random.Random(seed), np.random.default_rng(seed)
    fonts = sorted(glob.glob("/usr/share/fonts/truetype/*/*.ttf"))
    ground = np.array([choice.randint(190, 255) for _ in range(3)])
    ink = tuple(choice.randint(0, 80) for _ in range(3))
    if choice.random() < 0.3:
        ground, ink = 255 - ground, tuple(255 - part for part in ink)
    page = Image.new("RGB", (width, height), tuple(int(part) for part in ground))
    draw, top = ImageDraw.Draw(page), choice.randint(4, 16)
    while True:
        size = choice.randint(14, max(15, min(44, height // 8)))
        if top + size > height:
            break
        font = ImageFont.truetype(choice.choice(fonts), size) if fonts else ImageFont.load_default(size)
        words = ["".join(choice.choice("bcdfghklmnprstvw") + choice.choice("aeiou") for _ in range(choice.randint(1, 4))) for _ in range(choice.randint(1, 5))]
        draw.text((choice.randint(2, max(3, width // 6)), top), " ".join(words).capitalize(), fill=ink, font=font)
        top += int(size * choice.uniform(1.3, 2.2))
    page = page.rotate(choice.uniform(-2, 2), resample=Image.BICUBIC, fillcolor=tuple(int(part) for part in ground))
    page = page.filter(ImageFilter.GaussianBlur(choice.uniform(0, 0.7)))
    pixels = np.clip(np.asarray(page, np.float32) + noise.normal(0, choice.uniform(0, 8), (height, width, 3)), 0, 255) / 255
    normalised = (pixels - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    return normalised.transpose(2, 0, 1).astype(np.float32)


def tones(samples, seed, rate=22050):
    """Notes of the equal-tempered scale, each a sum of decaying harmonics with a short attack, over faint noise; [samples]."""
    generator = np.random.default_rng(seed)
    time = np.arange(samples) / rate
    sound = 1e-4 * generator.standard_normal(samples)
    for _ in range(int(generator.integers(6, 14))):
        start, pitch = generator.uniform(0, samples / rate * 0.8), 440 * 2 ** (generator.integers(-24, 25) / 12)
        since = time - start
        envelope = np.where(since > 0, np.minimum(since / 0.01, 1) * np.exp(-np.maximum(since, 0) * generator.uniform(1.5, 6)), 0)
        for harmonic in range(1, 9):
            if pitch * harmonic < rate / 2:
                sound += envelope * generator.uniform(0.3, 1) / harmonic**1.5 * np.sin(2 * np.pi * pitch * harmonic * since)
    return (0.5 * sound / np.max(np.abs(sound))).astype(np.float32)


def feeds(run, dims, kind="random", seed=1):
    generator = np.random.default_rng(seed)
    found = {}
    for value in run.get_inputs():
        shape = shape_of(value, dims)
        if kind == "rendered-text" and len(shape) == 4 and shape[1] == 3:
            found[value.name] = np.stack([rendered_page(shape[2], shape[3], seed + 1000 * image) for image in range(shape[0])])
        elif kind == "tones" and len(shape) == 3 and shape[2] == 1:
            found[value.name] = np.stack([tones(shape[1], seed + 1000 * image)[:, None] for image in range(shape[0])])
        else:
            found[value.name] = random_values(value, shape, generator, dims)
    return found
