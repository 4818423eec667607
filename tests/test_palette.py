"""Group colours must be told apart by everyone, on both surfaces; computed from the tokens themselves."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

TOKENS = (Path(__file__).parent.parent / "static" / "css" / "tokens.css").read_text(encoding="utf-8")
THEMES = ("light", "dark")
LEAST_CONTRAST = 3.0  # WCAG 2, graphical objects
LEAST_DISTANCE = 12.0  # CIE76
TEXT_CONTRAST = 4.5  # WCAG 2, text

# Machado, Oliveira and Fernandes 2009, severity 1; applied in linear RGB.
VISIONS = {
    "normal": np.eye(3),
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
XYZ = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
WHITE = np.array([0.95047, 1.0, 1.08883])


def colour(token: str, theme: str) -> np.ndarray:
    """Linear RGB of a token in one theme."""
    value = re.search(rf"^\s*{token}:\s*(.+?);", TOKENS, re.MULTILINE)[1]
    both = re.fullmatch(r"light-dark\((.+?), (.+?)\)", value)
    value = both[1 + THEMES.index(theme)] if both else value
    if reference := re.fullmatch(r"var\((--[\w-]+)\)", value):
        return colour(reference[1], theme)
    srgb = np.array([int(value[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def contrast(a: np.ndarray, b: np.ndarray) -> float:
    low, high = sorted(float(c @ np.array(XYZ)[1]) for c in (a, b))
    return (high + 0.05) / (low + 0.05)


def lab(linear: np.ndarray) -> np.ndarray:
    t = np.array(XYZ) @ np.clip(linear, 0, 1) / WHITE
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def groups(theme: str) -> list[np.ndarray]:
    return [colour(f"--group-{i}", theme) for i in range(1, 9)]


def test_distance_is_that_of_published_colours():
    """A red and a green of equal lightness: far apart for most, close for deutan eyes."""
    red, green = ((np.array(c) / 255) ** 2.2 for c in ((200, 80, 60), (120, 130, 40)))
    apart = {name: np.linalg.norm(lab(np.array(m) @ red) - lab(np.array(m) @ green)) for name, m in VISIONS.items()}
    assert apart["normal"] > 45 > 20 > apart["deutan"]
    assert lab(np.ones(3)) == pytest.approx([100, 0, 0], abs=0.01)


@pytest.mark.parametrize("theme", THEMES)
def test_groups_stand_out_from_the_surface(theme):
    for number, group in enumerate(groups(theme), 1):
        for surface in ("--surface", "--surface-sunk"):
            assert contrast(group, colour(surface, theme)) >= LEAST_CONTRAST, (number, surface)


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("theme", THEMES)
def test_any_two_groups_differ(theme, vision):
    seen = [lab(np.array(VISIONS[vision]) @ group) for group in groups(theme)]
    distance = {(i + 1, j + 1): np.linalg.norm(seen[i] - seen[j]) for i, j in itertools.combinations(range(8), 2)}
    closest = min(distance, key=distance.get)
    assert distance[closest] >= LEAST_DISTANCE, closest


@pytest.mark.parametrize("theme", THEMES)
def test_series_stand_out_and_are_no_group_colours(theme):
    for scheme in ("standard", "uniform", "logarithmic"):
        series = colour(f"--series-{scheme}", theme)
        assert contrast(series, colour("--surface", theme)) >= TEXT_CONTRAST
        assert all(np.linalg.norm(lab(series) - lab(group)) > 5 for group in groups(theme)), scheme


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("theme", THEMES)
def test_any_two_curves_differ_and_their_names_are_readable(theme, vision):
    curves = [colour(f"--curve-{i}", theme) for i in range(1, 9)]
    assert min(contrast(curve, colour("--surface", theme)) for curve in curves) >= TEXT_CONTRAST
    seen = [lab(np.array(VISIONS[vision]) @ curve) for curve in curves]
    distance = {(i + 1, j + 1): np.linalg.norm(seen[i] - seen[j]) for i, j in itertools.combinations(range(8), 2)}
    closest = min(distance, key=distance.get)
    assert distance[closest] >= LEAST_DISTANCE, closest


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ink", ["--ink", "--ink-soft", "--accent", "--error"])
@pytest.mark.parametrize("surface", ["--surface", "--surface-sunk"])
def test_words_are_readable(theme, ink, surface):
    assert contrast(colour(ink, theme), colour(surface, theme)) >= TEXT_CONTRAST


def test_light_paper_is_no_darker_than_the_design_says():
    darkest = [int("F7F4EE"[i : i + 2], 16) for i in (0, 2, 4)]
    paper = re.search(r"--paper-light: #(\w{6})", TOKENS)[1]
    assert all(int(paper[i : i + 2], 16) >= least for i, least in zip((0, 2, 4), darkest, strict=True))
