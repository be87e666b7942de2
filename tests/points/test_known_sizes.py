"""Known heights and measurements, in fits to points and to keypoints."""

import math

import pytest
import torch
from typer.testing import CliRunner

import anchorfit
from anchorfit.body import load_body, measure
from anchorfit.body.kinematics import compiled_points
from anchorfit.body.pose_library import load_pose_library
from anchorfit.camera import project
from anchorfit.cli.main import app
from anchorfit.evaluation.synthetic import make_people
from anchorfit.fitting import anchored_config
from anchorfit.fitting.energy import BodyState, Energy
from anchorfit.fitting.known_start import of_known_height
from anchorfit.fitting.terms import KnownSize
from anchorfit.fitting.terms.known_size import SIZES, known_size, sizes_with_slopes
from anchorfit.points import body_points, fit_points
from anchorfit.points.known import read_known_sizes

EXACT = ("height", "arm_span", "shoulder_width", "arm_length", "leg_length", "thigh_length")


@pytest.fixture(scope="module")
def body():
    return load_body()


@pytest.fixture(scope="module")
def people(body):
    poses = load_pose_library(split="heldout", mirrored=False).poses[::97].numpy()
    return make_people(body, poses, 48, seed=4)


def heights(body, betas):
    return sizes_with_slopes(body, betas, ("height",)).values[:, 0]


def test_values_are_those_of_measure(body):
    body = body.to(dtype=torch.float64)
    betas = torch.randn(1, body.num_betas, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = measure(body, betas)
    found = sizes_with_slopes(body, betas, SIZES)
    for place, name in enumerate(SIZES):
        torch.testing.assert_close(found.values[:, place], getattr(expected, name))


def test_slopes_are_those_that_autograd_finds(body):
    body = body.to(dtype=torch.float64)
    betas = torch.randn(1, body.num_betas, generator=torch.Generator().manual_seed(2), dtype=torch.float64)

    def by_mesh(betas):
        vertices, joints = body(betas=betas)
        extent = vertices[0].amax(0) - vertices[0].amin(0)

        def bone(first, second):
            return (joints[0, first] - joints[0, second]).norm()

        thigh, shin = (bone(1, 4) + bone(2, 5)) / 2, (bone(4, 7) + bone(5, 8)) / 2
        arm = (bone(16, 18) + bone(17, 19) + bone(18, 20) + bone(19, 21)) / 2
        return torch.stack((extent[1], extent[0], bone(16, 17), arm, thigh + shin, thigh))

    twin = torch.autograd.functional.jacobian(by_mesh, betas)[:, 0]
    torch.testing.assert_close(sizes_with_slopes(body, betas, EXACT).slopes[0], twin)


def test_the_term_follows_its_measurements(body):
    params = body.layout.zeros(3, body.v_template)
    known = KnownSize(given={"a": {"height": 1.8}, "c": {"leg_length": 0.9}})
    term = known.term(body, ("a", "b", "c"), params, weight=1.0)
    assert term is not None
    assert term.evidence is not None
    assert term.evidence.tolist() == [True, False, True]
    energy = Energy(body, [term])
    rows = torch.arange(3)
    found = energy.by_term(BodyState.of(params), rows)["known_size"]
    assert float(found[0].sqrt()) == pytest.approx(
        abs(1.8 - float(heights(body, params[:1, body.layout.betas]))) / 0.01, rel=1e-4
    )
    assert float(found[1]) == 0
    moved = params.clone()
    moved[:, body.layout.betas] = 0.7
    term.refresh(moved, energy)
    value = term.residuals(BodyState.of(moved), rows).values[0, 0]
    assert float(value) == pytest.approx((float(heights(body, moved[:1, body.layout.betas])) - 1.8) / 0.01, rel=1e-4)


def test_a_known_height_makes_a_photograph_metric(body, people):
    true = heights(body, people.params[:, body.layout.betas])
    given = {name: {"height": float(height)} for name, height in zip(people.observations.names, true, strict=True)}
    config = anchored_config()
    fits = [
        anchorfit.fit(people.observations, body, config=one)
        for one in (config, config.with_term(KnownSize(given=given)))
    ]
    pelvis = compiled_points(body, ("joint:pelvis",))
    there = pelvis.points(people.params)[:, 0].norm(dim=-1)
    off = [(pelvis.points(fit.params)[:, 0].norm(dim=-1) / there - 1).abs() for fit in fits]
    assert float((heights(body, fits[1].betas) - true).abs().mean()) < 0.005
    assert float(off[1].mean()) < 0.75 * float(off[0].mean())
    assert float(off[1].median()) < 0.03
    assert float(off[1].mean()) < 0.032  # 3.3 % where the depth was held to what the longest-looking limbs say


def test_predictions_of_known_height_are_as_large_and_as_far_away(body, people):
    """They look the same: what a prediction takes for its size goes to its distance."""
    guess = anchorfit.predict(people.observations, body).params
    names = people.observations.names
    given = {names[0]: {"height": 1.55}, names[1]: {"height": 1.9}, names[2]: {"waist_girth": 0.8}}
    config = anchored_config().with_term(KnownSize(given=given))
    start, known = of_known_height(body, names, guess, config)
    assert known.tolist() == [True, True, *[False] * 46]
    assert torch.equal(start[2:], guess[2:])
    torch.testing.assert_close(
        heights(body, start[:2, body.layout.betas]), torch.tensor([1.55, 1.9]), atol=0.01, rtol=0
    )
    pixels = [
        project(compiled_points(body, ("left_hip", "right_shoulder", "left_ankle")).points(one[:2]), intrinsics)
        for one, intrinsics in (
            (guess, people.observations.intrinsics[:2]),
            (start, people.observations.intrinsics[:2]),
        )
    ]
    tall = (pixels[0][:, 1] - pixels[0][:, 2]).norm(dim=-1)
    assert float(((pixels[1] - pixels[0]).norm(dim=-1).amax(1) / tall).max()) < 0.04
    for row in range(2):
        alone, _ = of_known_height(body, names[row : row + 1], guess[row : row + 1], config)
        torch.testing.assert_close(alone[0], start[row])
    nothing, unknown = of_known_height(body, names, guess, anchored_config())
    assert torch.equal(nothing, guess)
    assert not bool(unknown.any())


def test_a_known_height_holds_in_space(body, people):
    true = heights(body, people.params[:, body.layout.betas])
    names = body_points("coco17", ())
    noise = 0.02 * torch.randn(48, 17, 3, generator=torch.Generator().manual_seed(1))
    points = compiled_points(body, names).points(people.params) + noise
    given = {str(row): {"height": float(height)} for row, height in enumerate(true)}
    labels = [str(row) for row in range(48)]
    options = {"convention": "coco17", "body": body, "names": labels}
    apart, known = (fit_points(points, sizes=sizes, **options) for sizes in (None, KnownSize(given=given)))
    assert "known: height" in " ".join(known.remarks)
    off = [float((heights(body, one.estimate.betas) - true).abs().mean()) for one in (apart, known)]
    assert off[1] < 0.5 * off[0]


def test_text_and_files(tmp_path):
    assert known_size("Waist=0.81, inseam = 0.79") == {"waist_girth": 0.81, "inseam": 0.79}
    assert read_known_sizes(None, None) is None
    told = read_known_sizes(1.76, "waist=0.81")
    assert told is not None
    assert told.given == {"": {"waist_girth": 0.81, "height": 1.76}}
    (tmp_path / "a.csv").write_text("name,height,waist\na.jpg#0,1.6,\n*,1.8,0.9\n")
    read = read_known_sizes(None, str(tmp_path / "a.csv"))
    assert read is not None
    assert read.given == {
        "a.jpg#0": {"height": 1.6},
        "": {"height": 1.8, "waist_girth": 0.9},
    }


@pytest.mark.parametrize(
    ("height", "text", "message"),
    [
        (176.0, None, "height: expected 0.4 to 2.8 metres, got 176.0"),
        (math.nan, None, "expected 0.4 to 2.8"),
        (None, "waist", "expected NAME=METRES"),
        (None, "belly=1", "expected one of height"),
        (None, "waist=wide", "expected a number of metres"),
        (None, "bad.csv", "line 2: measure: height: expected a number"),
        (None, "unnamed.csv", "expected a column name"),
    ],
)
def test_wrong_sizes_are_one_line(tmp_path, monkeypatch, height, text, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.csv").write_text("name,height\na,tall\n")
    (tmp_path / "unnamed.csv").write_text("height\n1.8\n")
    with pytest.raises(ValueError, match=message):
        read_known_sizes(height, text)


def test_the_command_says_a_wrong_height(tmp_path):
    result = CliRunner().invoke(app, ["fit", str(tmp_path), "--height", "176", "-o", str(tmp_path / "out")])
    assert result.exit_code != 0
    assert "0.4 to 2.8 metres" in result.output + str(result.exception)
