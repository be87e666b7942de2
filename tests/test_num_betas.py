"""Any number of shape components, from one to all that a body file has, works in everything that takes bodies."""

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import trimesh
from torch import Tensor
from typer.testing import CliRunner, Result

from anchorfit.array_files import ArrayFile
from anchorfit.assets import ASSETS
from anchorfit.body import BodyModel, Gravity, load_body, measure
from anchorfit.cli.main import app
from anchorfit.evaluation.answers import answer_of
from anchorfit.evaluation.benchmarks.openbody import OpenBody
from anchorfit.evaluation.blocks import Block
from anchorfit.evaluation.estimates import index_estimates, read_estimate
from anchorfit.evaluation.landmarks import without_landmarks
from anchorfit.evaluation.truth import Truth, errors_against
from anchorfit.fitting.terms import silhouette
from anchorfit.interchange import spin_arrays
from anchorfit.many_estimates import load_estimates
from anchorfit.observations import read_people
from anchorfit.pipeline import fit, predict
from anchorfit.regressors import Human2D, Human2DConfig, PosePrior, PosePriorConfig, ShapePrior, ShapePriorConfig
from anchorfit.regressors.end2end import EndToEnd
from anchorfit.regressors.synthesis import Synthesizer, shipped_poses
from anchorfit.regressors.training import PoseLoss, PoseTask, ShapeTask, tasks
from anchorfit.results import BodyEstimate, concatenate
from anchorfit_baselines.forest import LandmarkForest
from anchorfit_baselines.silhouette_networks import SilhouetteNetworks

NUMBERS = (1, 5, 10, 300)


@pytest.fixture(autouse=True)
def few_points(monkeypatch) -> None:
    """A quarter of the points that masks pull at: all of them, made ready for 300 betas, take ten seconds."""
    monkeypatch.setattr(silhouette, "SURFACE_SAMPLE", 100)


@pytest.fixture(scope="session")
def body_file(tmp_path_factory) -> str:
    """The neutral open body with 300 components: its ten, and 290 small ones."""
    arrays = dict(np.load(ASSETS / "bodies" / "open_neutral.npz"))
    own = arrays["shapedirs"][:, :, :10]
    more = np.random.default_rng(0).normal(scale=2e-4, size=(*own.shape[:2], 290))
    arrays["shapedirs"] = np.concatenate((own, more), 2).astype(np.float32)
    path = tmp_path_factory.mktemp("body") / "many.npz"
    np.savez(path, **arrays)
    return str(path)


@pytest.fixture(scope="session")
def whole(body_file) -> BodyModel:
    """All 300 components; of fewer betas the rest are 0."""
    return load_body(body_file, num_betas=300)


@pytest.fixture(scope="session", params=NUMBERS)
def body(request, body_file) -> BodyModel:
    return load_body(body_file, num_betas=request.param)


@pytest.fixture(scope="session")
def known(body_file) -> BodyModel:
    """Of as many betas as are kept where no number is given: ten."""
    return load_body(body_file)


@pytest.fixture(scope="session")
def block(body) -> Block:
    """Two people of the body's betas."""
    return OpenBody(count=2).block(0, body)


@pytest.fixture(scope="session")
def known_block(known) -> Block:
    return OpenBody(count=2).block(0, known)


def betas_of(count: int, num_betas: int, seed: int = 0) -> Tensor:
    return torch.randn(count, num_betas, generator=torch.Generator().manual_seed(seed))


def vertices_of(whole: BodyModel, estimate: BodyEstimate) -> Tensor:
    """The estimate's meshes by the body with all components."""
    betas = torch.zeros(len(estimate), whole.num_betas)
    betas[:, : estimate.betas.shape[1]] = estimate.betas
    return whole(**(estimate.to_smplx() | {"betas": betas})).vertices


@pytest.fixture
def estimate_of(some_estimate, body_file) -> Callable[..., BodyEstimate]:
    def make(num_betas: int, count: int = 2) -> BodyEstimate:
        return replace(some_estimate(count, image=""), betas=betas_of(count, num_betas), body=body_file)

    return make


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("num_betas", NUMBERS)
def test_saved_estimates_come_back(num_betas, estimate_of, tmp_path):
    estimate = estimate_of(num_betas)
    estimate.save(tmp_path / "e.npz")
    again = BodyEstimate.load(tmp_path / "e.npz")
    assert again.betas.shape == (2, num_betas)
    assert torch.equal(again.params, estimate.params)
    given = BodyEstimate.from_smplx(
        estimate.to_smplx(), intrinsics=estimate.intrinsics, image_size=(640, 480), names=estimate.names
    )
    assert torch.equal(given.params, estimate.params)
    estimate[0].save_smplify(tmp_path / "e.pkl")
    assert pickle.loads((tmp_path / "e.pkl").read_bytes())["betas"].shape == (num_betas,)


@pytest.mark.parametrize("num_betas", NUMBERS)
def test_a_body_poses_estimates_of_as_many_betas_and_fewer(num_betas, estimate_of, body, whole):
    estimate = estimate_of(num_betas)
    if num_betas > body.num_betas:
        with pytest.raises(ValueError, match=rf"{num_betas} betas.*keeps {body.num_betas}.*num_betas={num_betas}"):
            estimate.bodies(body)
    else:
        torch.testing.assert_close(estimate.bodies(body).vertices, vertices_of(whole, estimate), atol=1e-6, rtol=0)


def test_estimates_of_several_numbers_are_joined(estimate_of, tmp_path):
    few, many = estimate_of(5), estimate_of(10)
    joined = concatenate([few, many])
    assert torch.equal(joined.betas[:2], torch.nn.functional.pad(few.betas, (0, 5)))
    assert torch.equal(joined.rows([2, 3]).params, many.params)
    for name, estimate in (("a", few), ("b", many)):
        estimate.save(tmp_path / f"{name}.npz")
    assert torch.equal(load_estimates([tmp_path]).params, joined.params)


@pytest.mark.parametrize("num_betas", NUMBERS)
def test_every_kind_of_file_is_exported(num_betas, estimate_of, whole, tmp_path):
    estimate = estimate_of(num_betas)
    estimate.save(tmp_path / "e.npz")
    kinds = ("json", "pkl", "obj", "ply", "glb", "rigged", "bvh", "side", "openpose", "coco", "spin")
    result = invoke("export", tmp_path / "e.npz", "--save", ",".join(kinds), "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    there = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")}
    endings = (".json", ".pkl", ".obj", ".ply", ".glb", "_rigged.glb", ".bvh")
    expected = {f"image_{person}{ending}" for person in (0, 1) for ending in endings}
    expected |= {"image_side.png", "openpose/image_keypoints.json", "coco/people.json", "spin/people.npz"}
    if num_betas > 10:  # SPIN's bodies have ten
        expected -= {"spin/people.npz"}
        assert "spin/people.npz: 300 betas" in result.output.replace("\n", "")
    assert there == expected
    drawn = trimesh.load_mesh(tmp_path / "out" / "image_1.obj", process=False).vertices * [1, -1, -1]
    np.testing.assert_allclose(drawn, vertices_of(whole, estimate)[1], atol=2e-6)
    assert len(json.loads((tmp_path / "out" / "image_0.json").read_text())[0]["betas"]) == num_betas
    if num_betas <= 10:
        shape = ArrayFile(tmp_path / "out" / "spin" / "people.npz")["shape"]
        np.testing.assert_array_equal(shape, np.pad(estimate.betas.double(), ((0, 0), (0, 10 - num_betas))))


def test_a_rig_of_fewer_betas_than_the_bodys(estimate_of, whole):
    from anchorfit.rigging.rig import rig

    made = rig(estimate_of(5, 1), whole)
    expected = whole(betas=torch.nn.functional.pad(estimate_of(5, 1).betas, (0, 295))).vertices[0]
    np.testing.assert_allclose(made.vertices, expected, atol=1e-6)
    with pytest.raises(ValueError, match="300 betas"):
        rig(estimate_of(300, 1), load_body())


def test_spins_ten_betas_are_filled_up_or_refused(estimate_of, whole):
    assert spin_arrays(estimate_of(1), whole)["shape"].shape == (2, 10)
    with pytest.raises(ValueError, match="300 betas"):
        spin_arrays(estimate_of(300), whole)


@pytest.mark.parametrize("num_betas", NUMBERS)
def test_a_report_and_what_it_is_compared_with(num_betas, estimate_of, tmp_path):
    estimate_of(num_betas).save(tmp_path / "e.npz")
    replace(estimate_of(11 - min(num_betas, 10)), method="direct").save(tmp_path / "other.npz")
    page = tmp_path / "page.html"
    result = invoke("report", tmp_path / "e.npz", "--against", tmp_path / "other.npz", "-o", page)
    assert result.exit_code == 0, result.output
    assert page.read_text().count('"distance_mm"') == 2


def test_measurements(body, whole):
    betas = betas_of(1, body.num_betas)
    padded = torch.nn.functional.pad(betas, (0, whole.num_betas - body.num_betas))
    torch.testing.assert_close(measure(body, betas).height, measure(whole, padded).height)


@pytest.mark.parametrize("num_true", [5, 10, 300])
def test_errors_between_bodies_of_different_numbers(num_true, body, body_file, estimate_of, whole):
    truth, result = estimate_of(num_true), estimate_of(body.num_betas)
    true_body = load_body(body_file, num_betas=num_true)
    errors = errors_against(Truth(bodies=truth.params), answer_of(result.params, body), body, true_body)
    apart = [vertices_of(whole, one) - answer_of(one.params, whole).joints_cam[:, :1] for one in (result, truth)]
    expected = 1000 * (apart[0] - apart[1]).norm(dim=-1).mean(1)
    torch.testing.assert_close(errors["surface_mm"], expected, atol=1e-2, rtol=0)


@pytest.mark.parametrize("kind", ["npz", "pkl", "spin"])
@pytest.mark.parametrize("num_betas", NUMBERS)
def test_results_are_evaluated(num_betas, kind, estimate_of, whole, body_file, tmp_path):
    """Truth of ten betas: who has the same first ones, and the rest 0, is off by what the others would do."""
    truth, result = estimate_of(10), estimate_of(num_betas)
    result = replace(result, betas=torch.nn.functional.pad(truth.betas, (0, 290))[:, :num_betas])
    result.betas[:, 10:] = betas_of(2, 290)[:, : max(0, num_betas - 10)]
    images = ["a.png", "b.png"]
    known = {"imgname": np.array(images), "center": np.full((2, 2), 300.0), "scale": np.ones(2)}
    np.savez(tmp_path / "set.npz", pose=truth.pose, shape=truth.betas, **known)
    folder = tmp_path / "results"
    folder.mkdir()
    if kind == "npz":
        replace(result, names=("a.png#0", "b.png#0"), images=("a.png", "b.png")).save(folder / "r.npz")
    elif kind == "pkl":
        for row, image in enumerate(images):
            result[row].save_smplify(folder / f"{Path(image).stem}.pkl")
    else:
        camera = np.tile([0.9, 0.0, 0.0], (2, 1))
        np.savez(folder / "r.npz", pose=result.pose, shape=result.betas, camera=camera, **known)
    index = index_estimates(folder)
    assert index.num_betas == num_betas
    assert all(read_estimate(entry).params.shape == (75 + num_betas,) for entry in index.entries)
    options = ["--dataset", "spin", "--root", tmp_path / "set.npz", "--body", body_file, "--workers", 1]
    done = invoke("evaluate", "--estimates", folder, *options, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    records = [json.loads(line) for line in (tmp_path / "out" / "records.jsonl").read_text().splitlines()[1:]]
    rows = [vertices_of(whole, one) - answer_of(one.params, whole).joints_cam[:, :1] for one in (result, truth)]
    expected = 1000 * (rows[0] - rows[1]).norm(dim=-1).mean(1)
    np.testing.assert_allclose([record["surface_mm"] for record in records], expected, atol=0.02)


def test_results_of_several_numbers_are_evaluated_together(estimate_of, body_file, tmp_path):
    truth = estimate_of(10)
    np.savez(
        tmp_path / "set.npz", pose=truth.pose, shape=truth.betas, imgname=np.array(["a.png", "b.png"]),
        center=np.full((2, 2), 300.0), scale=np.ones(2),
    )  # fmt: skip
    (tmp_path / "r").mkdir()
    for row, (image, num_betas) in enumerate((("a.png", 300), ("b.png", 10))):
        one = replace(truth[row], betas=torch.nn.functional.pad(truth.betas[row : row + 1], (0, num_betas - 10)))
        replace(one, names=(f"{image}#0",), images=(image,)).save(tmp_path / "r" / f"{row}.npz")
    options = ["--dataset", "spin", "--root", tmp_path / "set.npz", "--workers", 1, "-o", tmp_path / "out"]
    done = invoke("evaluate", "--estimates", tmp_path / "r", *options)
    assert done.exit_code == 0, done.output
    records = [json.loads(line) for line in (tmp_path / "out" / "records.jsonl").read_text().splitlines()[1:]]
    assert max(record["surface_mm"] for record in records) < 0.01


def test_openbody_people_have_the_bodys_betas(body):
    block = OpenBody(count=3).block(0, body)
    assert block.truth.bodies is not None
    assert block.truth.bodies.shape == (3, 75 + body.num_betas)
    own = body.layout.split(block.truth.bodies).betas
    assert (own != 0).all()
    errors = errors_against(block.truth, answer_of(block.truth.bodies, body), body)
    assert errors["surface_mm"].max() < 1e-3


def test_people_in_openpose_files_are_the_bodys(estimate_of, tmp_path):
    """Keypoints come from all betas."""
    estimate = estimate_of(300, 1)
    estimate.save(tmp_path / "e.npz")
    assert invoke("export", tmp_path / "e.npz", "--save", "openpose", "-o", tmp_path / "out").exit_code == 0
    seen = read_people(tmp_path / "out" / "openpose")[0].keypoints
    replace(estimate, betas=estimate.betas[:, :10]).save(tmp_path / "e.npz")
    assert invoke("export", tmp_path / "e.npz", "--save", "openpose", "-o", tmp_path / "out").exit_code == 0
    assert np.abs(read_people(tmp_path / "out" / "openpose")[0].keypoints - seen).max() > 0.1


POSE, SHAPE = PosePriorConfig(width=16, units=1, corrections=1), ShapePriorConfig(channels=(2, 2, 2, 2, 2), width=16)


def test_shape_priors_are_trained_on_bodies_of_any_number(body, monkeypatch):
    """ShapePrior answers with ten: of a body with fewer it learns those, of one with more it tells the first."""
    monkeypatch.setattr(tasks, "HELDOUT_PEOPLE", 16)
    shape = ShapeTask(body, network=SHAPE)
    shape.loss(shape.model, 0, slice(0, 4), 4).backward()
    gradient = shape.model.last.weight.grad
    assert gradient is not None
    known = gradient.abs().sum(1) > 0
    assert known.tolist() == [number < body.num_betas for number in range(len(known))]
    with torch.no_grad():
        assert np.isfinite([*shape.evaluate().values()]).all()


def test_poses_places_and_cameras_do_not_depend_on_how_many_betas_are_drawn(body, whole):
    source = shipped_poses("heldout")
    (own, camera), (other, its_camera) = (
        one.placed(4, one.generator(0)) for one in (Synthesizer(some, source, seed=1) for some in (body, whole))
    )
    own, other = body.layout.split(own), whole.layout.split(other)
    assert torch.equal(own.pose, other.pose)
    assert torch.equal(own.transl, other.transl)
    assert torch.equal(camera, its_camera)


def test_the_chain_of_networks_draws_the_body(body):
    torch.manual_seed(0)
    networks = EndToEnd(Human2D(Human2DConfig(features=8, depth=1)), PosePrior(POSE), ShapePrior(SHAPE), body)
    networks.pose.skeleton.measure(load_body())
    camera = torch.tensor([[300.0, 0, 64], [0, 300, 64], [0, 0, 1]]).expand(2, 3, 3)
    drawn = networks.seen_and_drawn(torch.rand(2, 3, 128, 128), camera)
    assert drawn.betas.shape == (2, body.num_betas)


def test_silhouette_networks(body, block):
    trained = SilhouetteNetworks.train(body, supervision="indirect", steps=1, count=4, batch=2, width=8)
    seen = block.detected
    again = SilhouetteNetworks.restored(trained.state(), "indirect")
    params, other = (method.estimate(seen, body).params for method in (trained, again))
    assert params is not None
    assert other is not None
    assert params.shape == (2, 75 + body.num_betas)
    assert torch.equal(params, other)


def test_forests(body, block, monkeypatch):
    pytest.importorskip("sklearn")
    monkeypatch.setattr("anchorfit_baselines.forest.BATCH", 20)
    grown = LandmarkForest.train(body, count=20, trees=1)
    params = grown.estimate(block.detected, body).params
    assert params is not None
    assert params.shape == (2, 75 + body.num_betas)


@pytest.mark.parametrize("masks", [True, False])
def test_people_are_predicted(masks, body, known, known_block):
    """With masks, ShapePrior tells the first ten betas."""
    seen = without_landmarks(known_block.detected)
    seen = seen if masks else replace(seen, masks=())
    free = Gravity.unknown(2)  # balance depends on the shape
    ours, theirs = predict(seen, body, gravity=free), predict(seen, known, gravity=free)
    assert ours.betas.shape == (2, body.num_betas)
    torch.testing.assert_close(ours.betas, body.layout.fit_betas(theirs.betas))
    assert torch.equal(ours.pose, theirs.pose)


def test_pose_priors_are_trained_on_bodies_of_any_number(body, monkeypatch):
    monkeypatch.setattr(tasks, "HELDOUT_PEOPLE", 16)
    pose = PoseTask(body, network=POSE, weights=PoseLoss(reprojection=1.0))
    assert pose.data.people(0, 4).params.shape == (4, 75 + body.num_betas)
    assert pose.loss(pose.model, 0, slice(0, 4), 4).isfinite()
    assert np.isfinite([*pose.evaluate().values()]).all()


def fitted(body: BodyModel, block: Block, schedule: str, *, masks: bool = False, **labels: Any) -> BodyEstimate:
    """Two people seen without noise, from their true poses and the mean shape."""
    assert block.truth.bodies is not None
    start = block.truth.bodies.clone()
    start[:, body.layout.betas] = 0
    seen = without_landmarks(block.annotated)
    return fit(seen if masks else replace(seen, masks=()), body, init=start, schedule=schedule, **labels)


@pytest.mark.parametrize(("schedule", "masks"), [("smplify", False), ("anchored", True)])
def test_people_are_fitted(schedule, masks, body, block):
    estimate = fitted(body, block, schedule, masks=masks)
    assert estimate.betas.shape == (2, body.num_betas)
    assert (estimate.betas != 0).all()
    assert estimate.diagnostics.reprojection_px.nanmean() < 6


def test_several_pictures_of_a_person_get_one_shape(body, block):
    estimate = fitted(body, block, "anchored", persons=("a", "a"), videos=("b", "b"))
    assert torch.equal(estimate.betas[0], estimate.betas[1])
    assert (estimate.betas != 0).all()


def test_a_fit_starts_from_bodies_of_fewer_betas(body, body_file, known_block):
    seen = without_landmarks(known_block.detected)
    start = predict(seen, load_body(body_file, num_betas=1))
    assert fit(seen, body, init=start).betas.shape == (2, body.num_betas)


@pytest.fixture(scope="module")
def small_file(body_file, tmp_path_factory) -> str:
    """A body file with five components in all."""
    arrays = dict(np.load(body_file))
    path = tmp_path_factory.mktemp("small") / "five.npz"
    np.savez(path, **(arrays | {"shapedirs": arrays["shapedirs"][:, :, :5]}))
    return str(path)


def test_of_a_file_with_fewer_than_ten_all_are_kept(small_file):
    assert load_body(small_file).num_betas == 5


@pytest.mark.parametrize("command", ["predict", "fit"])
def test_commands_take_body_files_of_any_number(command, small_file, body_file, tmp_path):
    people = ASSETS / "demo" / "person_keypoints.json"
    for name, path, number in (("five", small_file, 5), ("many", body_file, 10)):
        options = [ASSETS / "demo" / "000000000785.jpg", "--keypoints", people, "--body", path, "--save", "npz,obj"]
        done = invoke(command, *options, "-o", tmp_path / name)
        assert done.exit_code == 0, done.output
        (written,) = (tmp_path / name).glob("*.npz")
        assert BodyEstimate.load(written).betas.shape == (1, number)
