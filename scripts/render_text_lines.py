"""Renders lines of text, upright and upside down, as inputs of a text-direction classifier.

usage: render_text_lines.py CALIBRATION.npz TEST.npz [INPUT_NAME]

Words of syllables and short numbers in Debian's DejaVu and Lato fonts on 48 x 192 pixels, three channels in -1...1, light or
dark ground, a small rotation, blur and Gaussian noise; label 1 is upside down. 256 lines (seed 1) to calibrate, 600 others (seed 2) to test.
"""

import glob
import random
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

HEIGHT, WIDTH = 48, 192
CONSONANTS, VOWELS = "bcdfghjklmnprstvwz", "aeiou"
FONTS = sorted(glob.glob("/usr/share/fonts/truetype/dejavu/*.ttf") + glob.glob("/usr/share/fonts/truetype/lato/*.ttf"))


def word(choice):
    if choice.random() < 0.15:
        return str(choice.randint(10, 9999))
    text = "".join(choice.choice(CONSONANTS) + choice.choice(VOWELS) + choice.choice(["", "", "n", "r", "t"]) for _ in range(choice.randint(2, 4)))
    return choice.choice([text, text, text.capitalize(), text.upper()])


def line(choice, noise):
    text = " ".join(word(choice) for _ in range(choice.randint(1, 3)))
    font = ImageFont.truetype(choice.choice(FONTS), choice.randint(22, 34))
    ground, ink = choice.randint(170, 255), choice.randint(0, 90)
    if choice.random() < 0.3:
        ground, ink = ink, ground
    left, top, right, bottom = font.getbbox(text)
    picture = Image.new("L", (right - left + 12, max(HEIGHT, bottom - top + 8)), ground)
    ImageDraw.Draw(picture).text((6 - left, (picture.height - (bottom - top)) / 2 - top), text, fill=ink, font=font)
    picture = picture.rotate(choice.uniform(-3, 3), resample=Image.BICUBIC, fillcolor=ground)
    width = max(8, min(WIDTH, round(picture.width * HEIGHT / picture.height)))
    picture = picture.resize((width, HEIGHT), Image.BILINEAR).filter(ImageFilter.GaussianBlur(choice.uniform(0, 0.8)))
    label = choice.randint(0, 1)
    if label:
        picture = picture.transpose(Image.ROTATE_180)
    pixels = np.asarray(picture, np.float32) + noise.normal(0, choice.uniform(0, 15), (HEIGHT, width)).astype(np.float32)
    result = np.zeros((3, HEIGHT, WIDTH), np.float32)
    result[:, :, :width] = np.clip(pixels, 0, 255) / 127.5 - 1
    return result, label


def write(path, count, seed, name):
    choice, noise = random.Random(seed), np.random.default_rng(seed)
    images, labels = zip(*(line(choice, noise) for _ in range(count)))
    np.savez(path, **{name: np.stack(images), "label": np.array(labels, np.int64)})


def main(calibration, test, name="x"):
    write(calibration, 256, 1, name)
    write(test, 600, 2, name)


if __name__ == "__main__":
    main(*sys.argv[1:])
