"""Adults by the thousand: Anny's sliders drawn at random, weighted to follow ANSUR II, its heavy tail widened.

ANSUR II (US Army 2012, public release) is leaner than the public. So the logarithm of the body mass index gets a split
normal density about ANSUR's mean, ``LEAN_WIDTH`` and ``HEAVY_WIDTH`` of ANSUR's standard deviations wide; height stays
as measured.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import gaussian_kde

from .source import Source

Array = np.ndarray

LEAN_WIDTH, HEAVY_WIDTH = 1.15, 1.75  # of ANSUR's standard deviation of log(BMI), below and above its mean
DENSITY_KG_M3 = 1000.0  # skin volume to weight: living bodies with air in the lungs are close to water
LARGEST_WEIGHT = 12.0  # times the mean: no single body may rule the statistics
SHIFTED_PARTS = ("hand", "foot", "torso", "hip", "neck", "head")
SHIFTING = ("trans-out", "angle-out", "pregnant", "leg-valgus", *(f"{part}-trans" for part in SHIFTED_PARTS))
"""Sliders left alone: lopsided ones, and whole parts pushed along with no regard to the bones inside."""
FACE = ("cheek", "chin", "ear", "eye", "forehead", "head", "mouth", "nose")
STEADY = ("arm-length", "arm-scale-vert", "shoulder-dist", "vshape", "hand-scale", "fingers-length")
"""Sliders drawn half as widely: at a given stature span, shoulders, hands would vary twice as much as in ANSUR II."""
MEAN_SLIDERS = {"hip-scale-horiz-incr": -0.4, "measure-hips-circ-incr": -0.25}
"""Anny's hips with closed legs are 5 cm broader than ANSUR II's at the same body mass index; this takes half away."""
FAT_SLIDERS = {
    "upperarm-fat-incr": 1.0,
    "lowerarm-fat-incr": 0.7,
    "upperleg-fat-incr": 1.0,
    "lowerleg-fat-incr": 0.7,
    "measure-waist-circ-incr": 0.7,
    "measure-hips-circ-incr": 0.6,
    "measure-underbust-circ-incr": 0.6,
    "measure-thigh-circ-incr": 0.4,
    "buttocks-volume-incr": 0.5,
    "torso-scale-depth-incr": 0.3,
    "stomach-tone-incr": -0.8,
    "stomach-pregnant-incr": 0.3,
    "neck-double-incr": 0.5,
    "head-fat-incr": 0.5,
}
"""How far each local slider goes at full fatness: Anny's weight slider alone ends at a body mass index of about 25."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Height and body mass index of one sex in ANSUR II."""

    height_mean_m: float
    height_sd_m: float
    log_bmi_mean: float
    log_bmi_sd: float
    bmi: Array

    def log_density(self, height_m: Array, bmi: Array) -> Array:
        """The wanted density of (height, log BMI), up to a constant."""
        z = (np.log(bmi) - self.log_bmi_mean) / self.log_bmi_sd
        width = np.where(z < 0, LEAN_WIDTH, HEAVY_WIDTH)
        return -0.5 * ((height_m - self.height_mean_m) / self.height_sd_m) ** 2 - 0.5 * (z / width) ** 2


def read_ansur(folder: Path, sex: str) -> Measured:
    """``ANSUR_II_MALE_Public.csv`` or the female file: stature in mm, weight in 0.1 kg."""
    path = folder / f"ANSUR_II_{sex.upper()}_Public.csv"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; --ansur wants the folder of the two ANSUR II CSV files")
    with path.open(encoding="latin-1", newline="") as handle:
        rows = list(csv.DictReader(handle))
    height = np.array([float(row["stature"]) for row in rows]) / 1000
    bmi = np.array([float(row["weightkg"]) for row in rows]) / 10 / height**2
    return Measured(
        height_mean_m=height.mean(),
        height_sd_m=height.std(),
        log_bmi_mean=np.log(bmi).mean(),
        log_bmi_sd=np.log(bmi).std(),
        bmi=np.sort(bmi),
    )


def draw_sliders(source: Source, sex: str, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Phenotypes (count, P) in [0, 1] and left-right equal local changes (count, L) in [-1, 1] of adults."""
    labels = list(source.model.phenotype_labels)  # type: ignore[attr-defined]
    uniform = {name: rng.uniform(size=count) for name in labels}
    uniform["gender"] = uniform["gender"] * 0.15 if sex == "male" else 1 - uniform["gender"] * 0.15
    uniform["age"] = 0.667 + 0.3 * uniform["age"]  # 2/3 is Anny's young adult, 1 her old one
    uniform["height"] = 0.14 + 0.44 * uniform["height"]  # 3 ANSUR standard deviations either way
    fatness = np.clip(1.6 * rng.uniform(size=count) - 0.6, 0, 1)
    uniform["weight"] = np.clip(uniform["weight"] + 0.5 * fatness, 0, 1)
    phenotypes = np.stack([uniform[name] for name in labels], axis=1)
    return phenotypes, local_changes(list(source.model.local_change_labels), fatness, rng)  # type: ignore[attr-defined]


def local_changes(labels: list[str], fatness: Array, rng: np.random.Generator) -> Array:
    """Left-right equal local changes (S, L) in [-1, 1] of bodies of given fatness (S,) in [0, 1]."""
    drawn: dict[str, Array] = {}
    columns = []
    for label in labels:
        unsided = label[2:] if label[:2] in ("l-", "r-") else label
        if unsided not in drawn:
            spread = 0.15 if unsided.startswith(FACE) else 0.1 if any(word in unsided for word in STEADY) else 0.2
            value = MEAN_SLIDERS.get(unsided, 0.0) + spread * rng.standard_normal(len(fatness))
            if any(word in unsided for word in SHIFTING):
                value = np.zeros(len(fatness))
            drawn[unsided] = np.clip(
                value + FAT_SLIDERS.get(unsided, 0.0) * fatness * rng.uniform(0.5, 1, len(fatness)), -1, 1
            )
        columns.append(drawn[unsided])
    return np.stack(columns, axis=1)


def importance(measured: Measured, height_m: Array, bmi: Array) -> Array:
    """Weights (S,), mean 1, that turn the drawn bodies into the wanted population."""
    points = np.stack([height_m, np.log(bmi)])
    drawn = gaussian_kde(points, bw_method=0.25).logpdf(points)
    return clipped_weights(measured.log_density(height_m, bmi) - drawn)


def clipped_weights(ratio: Array) -> Array:
    """Weights (S,), mean 1, none above `LARGEST_WEIGHT`, of logarithms of wanted over drawn density."""
    weights = np.exp(ratio - ratio.max())
    for _ in range(20):  # clipping lowers the mean, so repeat
        weights = np.minimum(weights / weights.mean(), LARGEST_WEIGHT)
    return weights / weights.mean()


def effective_size(weights: Array) -> float:
    """Kish: how many equally weighted bodies the weighted ones are worth."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def weighted_percentiles(values: Array, weights: Array, percents: tuple[float, ...]) -> Array:
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weights[order]) / weights.sum()
    return np.interp(np.array(percents) / 100, share, values[order])
