from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
import trimesh
from scipy.spatial import ConvexHull

from anchorfit.body import assumed_size, load_body, measure
from anchorfit.body.measurements import section_girths

# Means of ANSUR II, the population that the open bodies were made from: male, female; metres.
SURVEY = {
    "height": (1.756, 1.628),
    "arm_span": (1.814, 1.660),
    "inseam": (0.846, 0.782),
    "chest_girth": (1.059, 0.947),
    "waist_girth": (0.941, 0.861),
    "hip_girth": (1.020, 1.021),
    "neck_girth": (0.398, 0.330),
    "thigh_girth": (0.625, 0.616),
    "calf_girth": (0.392, 0.373),
    "upper_arm_girth": (0.358, 0.306),
    "forearm_girth": (0.310, 0.264),
}


@pytest.mark.parametrize(("gender", "column"), [("male", 0), ("female", 1)])
def test_the_mean_bodies_measure_as_their_population(gender, column):
    found = measure(load_body(gender=gender), torch.zeros(1, 10))
    for name, values in SURVEY.items():
        assert float(getattr(found, name)) == pytest.approx(values[column], rel=0.09), name
    assert float(found.volume_l) == pytest.approx((85.5, 67.8)[column], rel=0.1)  # their mean weights, kg


def test_a_tape_around_a_ring_is_its_hull():
    angle = np.linspace(0, 2 * np.pi, 721)[:-1]
    ring = np.stack([2 * np.cos(angle), np.sin(angle)], axis=1)
    lower, upper = (np.insert(ring, 1, y, axis=1) for y in (-1.0, 1.0))
    count = len(ring)
    after = np.roll(np.arange(count), -1)
    quads = np.stack([np.arange(count), after, after + count, np.arange(count) + count], axis=1)
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    planes = np.array([[[5.0, 0.1, 7.0], [0, 2.0, 0]]])
    girth, missed = section_girths(np.concatenate([lower, upper])[None], faces, planes, np.array([[0, 2.0, 0]]))[0]
    assert girth == pytest.approx(9.688448, rel=1e-4)  # the perimeter of an ellipse with half axes 2 and 1
    assert missed == 0


def test_girths_are_those_of_convex_hulls():
    body = load_body(dtype=torch.float64)
    vertices = body(betas=torch.randn(3, 10, generator=torch.Generator().manual_seed(1), dtype=torch.float64)).vertices
    normal, faces = np.array([0.1, 1.0, -0.2]), body.faces.numpy()
    points = np.linspace([0, -0.7, 0], [0, 0.4, 0], 7)
    for one in vertices.numpy():
        found = section_girths(one[None], faces, points[None], normal[None])[0]
        for point, girth in zip(points, found, strict=True):
            section = trimesh.Trimesh(one, faces, process=False).section(plane_origin=point, plane_normal=normal)
            (first, second) = np.linalg.svd(normal[None])[2][1:]  # axes in the plane
            assert section is not None
            flat = section.vertices @ np.stack([first, second]).T
            assert girth == pytest.approx(ConvexHull(flat).area, rel=2e-4)  # of a plane figure, its perimeter


def test_a_scaled_body_measures_scaled():
    body = load_body()
    twice = replace(body, v_template=2 * body.v_template, shapedirs=2 * body.shapedirs)
    betas = torch.tensor([[1.0, -1, 0.5, 0, 0, 0, 0, 0, 0, 0]])
    for name, value in asdict(measure(body, betas)).items():
        factor = 8 if name == "volume_l" else 2
        torch.testing.assert_close(getattr(measure(twice, betas), name), factor * value, rtol=1e-5, atol=0)


def test_a_batch_is_its_rows():
    body = load_body()
    betas = torch.randn(2, 10, generator=torch.Generator().manual_seed(0))
    both = measure(body, betas)
    for name, value in asdict(measure(body, betas[1:])).items():
        torch.testing.assert_close(getattr(both, name)[1:], value)


def test_bad_betas_are_named():
    with pytest.raises(ValueError, match=r"betas: expected \(B, 10\), got \(10,\)"):
        measure(load_body(), torch.zeros(10))
    with pytest.raises(ValueError, match="finite"):
        measure(load_body(), torch.full((1, 10), torch.nan))


def test_children_measure_as_children_of_their_ages():
    """Statures and weights: medians of the CDC's growth charts at 2, 7 and 12 years; a litre is a kilogram. The
    circumferences of chest and waist at 7 years: Snyder et al. 1977, 59 and 54 cm, within a tenth."""
    betas = torch.zeros(3, 10)
    betas[:, 0] = torch.tensor([-1.7, 0.0, 1.5])
    found = measure(load_body(age="child"), betas)
    np.testing.assert_allclose(found.height, [0.86, 1.22, 1.50], atol=0.03)
    np.testing.assert_allclose(found.volume_l, [12.4, 23.0, 41.0], rtol=0.1)
    np.testing.assert_allclose([found.chest_girth[1], found.waist_girth[1]], [0.59, 0.54], rtol=0.1)
    legs = found.inseam / found.height
    assert legs[0] < 0.42 < 0.45 < legs[1] < legs[2]  # they grow longer


def test_what_is_taken_for_granted_about_sizes_goes_by_the_body():
    assert assumed_size(load_body()) == "assumes an adult of about 1.7 m; one photograph does not tell size"
    assert assumed_size(load_body(age="child")).startswith("assumes a child of about 1.2 m;")
