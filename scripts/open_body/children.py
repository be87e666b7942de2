"""Children of 2 to 12 years: Anny's sliders drawn at random, weighted to follow the CDC's growth charts.

Each age is as frequent as any other. At an age stature is normal and log(BMI) split normal about its median, as the
charts have them; the heavy side is left as charted (the reference children of 1963-1994, not those of today).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import gaussian_kde

from .population import clipped_weights, local_changes
from .source import Source

Array = np.ndarray

YEARS = (2.0, 12.0)
GROWTH_YEARS = np.array([2.0, 4, 6, 8, 10, 12])
STATURE_M = np.array([[0.865, 1.025, 1.157, 1.281, 1.388, 1.493], [0.850, 1.010, 1.150, 1.278, 1.382, 1.515]])
STATURE_VARIATION = np.array(
    [[0.0403, 0.0413, 0.0437, 0.0451, 0.0476, 0.0499], [0.0408, 0.0433, 0.0450, 0.0460, 0.0487, 0.0486]]
)
BMI_5 = np.array([[14.7, 14.0, 13.7, 13.8, 14.2, 15.0], [14.4, 13.7, 13.4, 13.5, 14.0, 14.8]])
BMI_50 = np.array([[16.6, 15.6, 15.4, 15.8, 16.6, 17.8], [16.4, 15.3, 15.2, 15.8, 16.9, 18.1]])
BMI_95 = np.array([[19.3, 17.8, 18.4, 20.1, 22.2, 24.2], [19.1, 18.0, 18.8, 20.7, 23.0, 25.3]])
"""CDC growth charts 2000 (National Center for Health Statistics, work of the US Government), boys above girls: median
and coefficient of variation of stature for age, percentiles of body mass index for age."""

SLIDER_YEARS, AGE_SLIDER = (1.0, 10.0, 25.0), (0.0, 1 / 3, 2 / 3)
"""MakeHuman's baby, child and young adult, between which Anny's slider is linear."""
REACH = 2.7  # standard deviations of stature either way that are drawn
WIDTH = 1.3  # of the charts' spread of log(BMI): the public of today is heavier, and thin children are children too
PER_AGE = 0.25  # kernel width, in standard deviations of what was drawn, of the density of the drawn children
SIZE = 0.7  # of an adult's: distances that were chosen on adults, scaled
PELVIS_WIDTH = 0.142  # between the anterior superior iliac spines, of stature: 240 mm at 1.69 m


def hip_separation_m(stature_m: float) -> float:
    """Between the hip centres: Harrington et al. 2007, whose subjects were children and adults."""
    return 2 * (0.33 * PELVIS_WIDTH * stature_m + 0.0073)


def draw_child_sliders(
    source: Source, count: int, rng: np.random.Generator
) -> tuple[Array, Array, Callable[[Array, Array], Array]]:
    """Phenotypes (count, P), left-right equal local changes (count, L), and the weights for statures and BMIs (count,).

    Half are boys; Anny's gender slider runs over its whole width, for before puberty bodies differ little.
    """
    labels = list(source.model.phenotype_labels)  # type: ignore[attr-defined]
    uniform = {name: rng.uniform(size=count) for name in labels}
    girl = (uniform["gender"] > 0.5).astype(int)
    uniform["cupsize"] *= 0.1  # Anny's girls of 12 are a quarter young women
    years = rng.uniform(*YEARS, size=count)
    uniform["age"] = np.interp(years, SLIDER_YEARS, AGE_SLIDER)
    fatness = np.clip(1.6 * rng.uniform(size=count) - 0.6, 0, 1)
    uniform["weight"] = np.clip(uniform["weight"] + 0.5 * fatness, 0, 1)
    local = local_changes(list(source.model.local_change_labels), fatness, rng)  # type: ignore[attr-defined]
    wanted = charted(STATURE_M, years, girl) * (
        1 + rng.uniform(-REACH, REACH, count) * charted(STATURE_VARIATION, years, girl)
    )
    phenotypes = np.stack([uniform[name] for name in labels], axis=1)
    column = labels.index("height")
    low, high = (_stature(source, _with(phenotypes, column, slider), local) for slider in (0.1, 0.8))
    phenotypes[:, column] = np.clip(0.1 + 0.7 * (wanted - low) / (high - low), 0, 1)

    def weigh(stature_m: Array, bmi: Array) -> Array:
        z = (stature_m / charted(STATURE_M, years, girl) - 1) / charted(STATURE_VARIATION, years, girl)
        middle = charted(BMI_50, years, girl)
        light = np.log(middle / charted(BMI_5, years, girl)) / 1.645
        heavy = np.log(charted(BMI_95, years, girl) / middle) / 1.645
        apart = np.log(bmi / middle)
        apart /= np.where(apart < 0, light, heavy)
        points = np.stack([years, z, apart])
        drawn = gaussian_kde(points, bw_method=PER_AGE).logpdf(points)
        return clipped_weights(-0.5 * z**2 - 0.5 * (apart / WIDTH) ** 2 - drawn)

    return phenotypes, local, weigh


def charted(table: Array, years: Array, girl: Array) -> Array:
    """A table (2, 6) at ages (S,) of boys and girls (S,) 0 or 1."""
    boys, girls = (np.interp(years, GROWTH_YEARS, row) for row in table)
    return np.where(girl == 1, girls, boys)


def _with(phenotypes: Array, column: int, value: float) -> Array:
    changed = phenotypes.copy()
    changed[:, column] = value
    return changed


def _stature(source: Source, phenotypes: Array, local: Array) -> Array:
    """(S,) of Anny's rest pose, by the template's lowest and highest vertices."""
    order = np.argsort(source.template[:, 1])
    ends = np.concatenate([order[:200], order[-200:]])
    coefficients = source.coefficients(phenotypes, local)
    return np.ptp(source.template[ends, 1] + coefficients @ source.blendshapes[:, ends, 1], axis=1)
