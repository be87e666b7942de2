"""Skinned GLB: what a viewer makes of the file is the body."""

import json
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh
from rig_files import read_glb, skinned_vertices  # type: ignore[import-not-found]  # its folder is on pytest's path

from anchorfit.body import SMPL_JOINTS, load_body
from anchorfit.body.description import mesh_volume
from anchorfit.body.joint_sets import mirror_permutation
from anchorfit.body.pose_library import load_pose_library
from anchorfit.body.rotations import mirror_pose
from anchorfit.rigging import export_rigged, rig
from anchorfit.rigging.weights import few_weights, with_few_weights

VALIDATOR = "gltf-validator@2.0.0-dev.3.10"


@pytest.fixture(scope="module")
def body():
    return load_body()


@pytest.fixture
def sequence(some_estimate):
    """Twelve frames of one person that turns and bends far."""
    frames = some_estimate(12)
    phase = torch.linspace(0, 6, 12)[:, None]
    return replace(frames, body_pose=frames.body_pose[:1] * 4 * torch.sin(phase), betas=frames.betas[:1].expand(12, 10))


def upright(estimate, body) -> np.ndarray:
    return estimate.bodies(body).vertices.numpy() * [1, -1, -1]


def test_one_pose_is_the_body_with_its_correctives(some_estimate, body, tmp_path):
    one = some_estimate(1)
    export_rigged(tmp_path / "one.glb", one, body)
    posed = skinned_vertices(read_glb(tmp_path / "one.glb"))
    np.testing.assert_allclose(posed, upright(one, body)[0], atol=5e-6)


@pytest.mark.parametrize("frame", [0, 7, 11])
def test_plain_skinning_is_the_body_without_correctives(sequence, body, tmp_path, frame):
    export_rigged(tmp_path / "walk.glb", sequence, body, correctives=0, joints_per_vertex=8)
    posed = skinned_vertices(read_glb(tmp_path / "walk.glb"), frame)
    np.testing.assert_allclose(posed, upright(sequence[frame], replace(body, posedirs=None))[0], atol=5e-6)


def test_a_few_shapes_bring_back_most_of_the_correctives(sequence, body, tmp_path):
    truth = upright(sequence, body)

    def error(shapes: int) -> float:
        export_rigged(tmp_path / "walk.glb", sequence, body, correctives=shapes)
        glb = read_glb(tmp_path / "walk.glb")
        return max(np.abs(skinned_vertices(glb, f) - truth[f]).max() for f in (0, 5, 11))

    none, few, all_of_them = error(0), error(4), error(12)
    assert few < none / 3
    assert all_of_them < 1e-5


def test_quaternions_never_turn_the_long_way_round(sequence, body, tmp_path):
    spin = torch.stack([torch.pi + torch.zeros(12), torch.linspace(0, 12, 12), torch.zeros(12)], dim=-1)
    export_rigged(tmp_path / "spin.glb", replace(sequence, global_orient=spin), body)
    glb = read_glb(tmp_path / "spin.glb")
    (animation,) = glb.document["animations"]
    for channel in animation["channels"]:
        if channel["target"]["path"] == "rotation":
            turns = glb.array(animation["samplers"][channel["sampler"]]["output"])
            assert ((turns[1:] * turns[:-1]).sum(1) >= 0).all()


def test_a_motions_nodes_stand_in_the_bind_pose(sequence, body, tmp_path):
    """For readers that take them for it."""
    export_rigged(tmp_path / "walk.glb", sequence, body)
    glb = read_glb(tmp_path / "walk.glb")
    rest = body(betas=sequence.betas.mean(0, keepdim=True))
    np.testing.assert_allclose(skinned_vertices(glb), rest.vertices[0], atol=1e-5)


def test_four_joints_a_vertex_are_nearly_as_good_as_all(body):
    """On poses of people whom the weights were not fitted to; the best four alone are off by 16 mm."""
    poses = load_pose_library(split="heldout").poses[::500]
    exact, four = replace(body, posedirs=None), replace(body, posedirs=None, weights=few_weights(body).float())
    apart_mm = 1000 * (exact(body_pose=poses[:, 3:]).vertices - four(body_pose=poses[:, 3:]).vertices).norm(dim=-1)
    assert len(poses) > 10
    assert apart_mm.max() < 8
    assert apart_mm.mean() < 0.03
    assert int((four.weights > 0).sum(1).max()) == 4


def test_bodies_of_four_joints_a_vertex_keep_their_weights(body):
    four = replace(body, weights=few_weights(body))
    assert torch.equal(few_weights(four), four.weights)
    with pytest.raises(ValueError, match="most: expected 1 joint"):
        few_weights(body, 0)


def test_correctives_made_anew_make_up_for_few_joints(body):
    """On people whom they were not made with; volumes stay, and what the body had in the rest pose."""
    four = with_few_weights(body)
    assert torch.equal(four.weights, few_weights(body).float())
    assert (four.v_template is body.v_template, four.source) == (True, "")
    poses = load_pose_library(split="heldout").poses[::500, 3:]
    own, other = (one(body_pose=poses).vertices for one in (body, four))
    apart_mm = 1000 * (own - other).norm(dim=-1)
    assert apart_mm.max() < 3
    assert apart_mm[:, (body.weights != four.weights).any(1)].mean() < 0.1
    volumes = mesh_volume(other, body.faces) / mesh_volume(own, body.faces)
    assert (volumes - 1).abs().max() < 2e-4
    torch.testing.assert_close(four(body_pose=poses[:1] * 0).vertices, body(body_pose=poses[:1] * 0).vertices)
    assert with_few_weights(four) is four


def test_a_mirrored_pose_is_the_mirrored_body_by_few_joints_as_well(body):
    four = with_few_weights(body.to("cpu", torch.float64))
    assert four.v_template.dtype == torch.float64
    assert four.posedirs is not None
    assert four.posedirs.dtype == torch.float64
    pose = load_pose_library(split="heldout").poses[700:701].double()
    pose[:, :3] = 0
    straight, turned = (four(body_pose=one[:, 3:]).vertices for one in (pose, mirror_pose(pose)))
    apart_mm = 1000 * (turned[:, body.mirror] * torch.tensor([-1, 1, 1]) - straight).norm(dim=-1)
    own, other = (body(body_pose=one[:, 3:].float()).vertices for one in (pose, mirror_pose(pose)))
    bodys_mm = 1000 * (other[:, body.mirror] * torch.tensor([-1, 1, 1]) - own).norm(dim=-1)
    assert apart_mm.max() < bodys_mm.max() + 0.5


def test_few_weights_are_mirror_images(body):
    found = few_weights(body)
    mirrored = found[body.mirror][:, list(mirror_permutation(SMPL_JOINTS))]
    unlike = (found - mirrored).abs().max(1).values > 0.05
    assert unlike.float().mean() < 0.001


def test_joints_have_names_and_places(some_estimate, body, tmp_path):
    one = some_estimate(1)
    export_rigged(tmp_path / "one.glb", one, body)
    glb = read_glb(tmp_path / "one.glb")
    (skin,) = glb.document["skins"]
    assert tuple(glb.document["nodes"][joint]["name"] for joint in skin["joints"]) == SMPL_JOINTS
    inverse = glb.array(skin["inverseBindMatrices"]).reshape(-1, 4, 4)
    np.testing.assert_allclose(-inverse[:, 3, :3], body.rest_joints(one.betas)[0], atol=1e-6)
    pelvis = one.bodies(body).joints[0, 0].numpy() * [1, -1, -1]
    np.testing.assert_allclose(glb.document["nodes"][skin["skeleton"]]["translation"], pelvis, atol=1e-6)


@pytest.mark.parametrize(("joints", "sets"), [(4, 1), (8, 2)])
def test_weights_come_largest_first_and_add_up_to_one(some_estimate, body, tmp_path, joints, sets):
    export_rigged(tmp_path / "one.glb", some_estimate(1), body, joints_per_vertex=joints)
    glb = read_glb(tmp_path / "one.glb")
    attributes = glb.document["meshes"][0]["primitives"][0]["attributes"]
    assert sum(name.startswith("WEIGHTS_") for name in attributes) == sets
    weights = np.concatenate([glb.array(attributes[f"WEIGHTS_{i}"]) for i in range(sets)], axis=1)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
    assert (np.diff(weights, axis=1) <= 0).all()


def test_trimesh_reads_the_rest_mesh(some_estimate, body, tmp_path):
    one = some_estimate(1)
    export_rigged(tmp_path / "one.glb", one, body)
    scene = trimesh.load_scene(tmp_path / "one.glb", process=False)
    (mesh,) = scene.geometry.values()
    rest = body(betas=one.betas).vertices[0]
    np.testing.assert_allclose(mesh.vertices, rest, atol=1e-5)
    np.testing.assert_array_equal(mesh.faces, body.faces)
    assert set(SMPL_JOINTS) <= set(scene.graph.nodes)


def test_the_camera_sees_what_the_photograph_saw(some_estimate, body, tmp_path):
    one = some_estimate(1)
    export_rigged(tmp_path / "one.glb", one, body)
    lens = read_glb(tmp_path / "one.glb").document["cameras"][0]["perspective"]
    assert lens["aspectRatio"] == pytest.approx(640 / 480)
    assert lens["yfov"] == pytest.approx(2 * np.arctan(240 / 800))


def test_bad_input_is_named(some_estimate, body, tmp_path):
    one = some_estimate(1)
    with pytest.raises(ValueError, match=r"body\.fbx: expected a name that ends in \.glb"):
        export_rigged(tmp_path / "body.fbx", one, body)
    with pytest.raises(ValueError, match="frames_per_second: expected a positive number"):
        export_rigged(tmp_path / "body.glb", one, body, frames_per_second=0)
    with pytest.raises(ValueError, match="expected a row or more"):
        export_rigged(tmp_path / "body.glb", one.rows([]), body)
    with pytest.raises(ValueError, match="not finite"):
        export_rigged(tmp_path / "body.glb", replace(one, transl=one.transl * torch.nan), body)
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def validator(request):
    """Khronos's validator, from the npm registry, kept in pytest's cache."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node is not installed")
    folder = request.config.cache.mkdir("gltf-validator")
    if not (folder / "node_modules" / "gltf-validator").is_dir():
        install = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), VALIDATOR]
        if subprocess.run(install, capture_output=True, timeout=120, check=False).returncode:
            pytest.skip("gltf-validator cannot be installed here")
    script = (
        "const v = require('gltf-validator'), fs = require('fs');"
        "v.validateBytes(new Uint8Array(fs.readFileSync(process.argv[1])))"
        ".then(r => console.log(JSON.stringify(r.issues)))"
    )

    def issues(path) -> dict:
        done = subprocess.run(["node", "-e", script, str(path)], cwd=folder, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    return issues


def test_the_validator_has_nothing_to_say(validator, some_estimate, sequence, body, tmp_path):
    export_rigged(tmp_path / "one.glb", some_estimate(1), body)
    export_rigged(tmp_path / "walk.glb", sequence, body)
    for name in ("one.glb", "walk.glb"):
        found = validator(tmp_path / name)
        said = [message for message in found["messages"] if message["severity"] < 2]
        assert not said


def test_weights_of_shapes_stay_between_0_and_1(sequence, body):
    made = rig(sequence, body)
    assert len(made.correctives) <= 16
    assert made.corrective_weights.min() >= 0
    assert made.corrective_weights.max() <= 1
    assert len(rig(sequence[3], body).correctives) == 1
