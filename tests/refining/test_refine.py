"""Other programs' bodies refined: matched by image and place, fitted near where they were good, and said how."""

import json
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch
from refine_scenes import HEIGHT, WIDTH, make_scene, off, write_phalp  # type: ignore[import-not-found]
from typer.testing import CliRunner

from anchorfit.body import axis_angle_to_matrix, body_arrays, compile_points, load_body, matrix_to_axis_angle
from anchorfit.camera import default_intrinsics, project, rotation_to_axis
from anchorfit.cli.main import app
from anchorfit.evaluation.metrics.pose import reconstruction_error
from anchorfit.interchange.results import ResultFileError, read_all_results, read_results
from anchorfit.many_estimates import load_estimates
from anchorfit.observations import read_people
from anchorfit.points.conventions import MHR70
from anchorfit.refining import refine_config, refine_people, usual_errors_deg
from anchorfit.refining.starts import find_starts
from anchorfit.results import BodyEstimate
from anchorfit.runs.sources import Source


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return make_scene(tmp_path_factory.mktemp("scene"))


def people_of(scene):
    return list(read_people(scene.keypoints).people)


def errors_mm(scene, estimate):
    """Reconstruction errors of people who are named by their annotation's number."""
    truth = scene.body.from_params(scene.params).joints
    rows = [int(name.rpartition("#")[2]) - 1 for name in estimate.names]
    return 1000 * reconstruction_error(estimate.bodies(scene.body).joints, truth[rows])


def refine(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["refine", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return 1, f"{result.output} {result.exception}"
    return result.exit_code, result.output


def test_bodies_are_matched_by_image_and_place_and_get_better(scene, tmp_path):
    path = write_phalp(scene, tmp_path / "phalp.pkl", off(scene), [1, 0, 3, 2])  # the right one first
    done = refine_people(people_of(scene), read_all_results([path]), scene.body)
    assert done.outcome.estimate is not None
    assert done.start is not None
    before, after = errors_mm(scene, done.start), errors_mm(scene, done.outcome.estimate)
    assert len(after) == 4
    assert (before > 25).all()  # so each is its own person's
    assert (before < 100).all()
    assert float(after.mean()) < 0.75 * float(before.mean())
    assert "4 of 4 people have a body in these results" in done.remarks[0]
    assert "rotations kept" in done.remarks[0]
    assert done.outcome.estimate.method == "anchored"
    assert "joint_anchor" in done.outcome.estimate.diagnostics.energy


def test_the_command_says_before_and_after_and_repeats_to_the_byte(scene, tmp_path):
    path = write_phalp(scene, tmp_path / "phalp.pkl", off(scene), [0, 1, 2, 3])
    for name in ("one", "two"):
        code, said = refine(path, "-k", scene.keypoints, "-o", tmp_path / name, "--save", "npz", "--report")
        assert code == 0, said
        assert "before" in said
        assert "moved" in said
    one, two = (sorted((tmp_path / name).glob("*.npz")) for name in ("one", "two"))
    assert [path.name for path in one] == [path.name for path in two]
    assert len(one) == 4
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(one, two, strict=True))
    records = [json.loads(line) for line in (tmp_path / "one" / "index.jsonl").read_text().splitlines()]
    assert all(record["error_px"] < record["before_px"] and record["moved_mm"] > 5 for record in records)
    assert '"given"' in (tmp_path / "one" / "report.html").read_text()


def test_fit_with_init_reads_the_same_files(scene, tmp_path):
    path = write_phalp(scene, tmp_path / "phalp.pkl", off(scene), [0, 1, 2, 3])
    arguments = ["-o", str(tmp_path / "fit"), "--save", "npz", "--init", str(path)]
    assert CliRunner().invoke(app, ["fit", str(scene.keypoints), *arguments]).exit_code == 0
    assert refine(path, "-k", scene.keypoints, "-o", tmp_path / "refine", "--save", "npz")[0] == 0
    fit, again = (load_estimates([tmp_path / name]) for name in ("fit", "refine"))
    assert torch.equal(fit.params, again.params)


def test_people_without_a_result_are_said_and_predicted_if_asked(scene, tmp_path):
    path = write_phalp(scene, tmp_path / "phalp.pkl", off(scene), [0, 2, 3])
    results = read_all_results([path])
    alone = refine_people(people_of(scene), results, scene.body)
    assert alone.outcome.estimate is not None
    assert [name.rpartition("#")[2] for name in alone.outcome.estimate.names] == ["1", "3", "4"]
    assert [str(problem) for problem in alone.outcome.problems if problem.subject == "000001.jpg#2"] == [
        "000001.jpg#2: skipped: no body of it in the results; --predict-missing starts it from a prediction"
    ]
    everyone = refine_people(people_of(scene), results, scene.body, predict_missing=True)
    assert everyone.outcome.estimate is not None
    assert len(everyone.outcome.estimate) == 4
    told = [problem.subject for problem in everyone.outcome.problems if "starts from a prediction" in problem.message]
    assert told == ["000001.jpg#2"]
    kept = everyone.outcome.estimate.rows([0, 2, 3])
    torch.testing.assert_close(kept.params, alone.outcome.estimate.params, atol=1e-4, rtol=0)


def test_people_who_cannot_be_fitted_have_their_own_reason(scene, tmp_path):
    path = write_phalp(scene, tmp_path / "phalp.pkl", off(scene), [0, 2, 3])
    people = people_of(scene)
    people[1] = replace(people[1], confidence=np.zeros_like(people[1].confidence))
    done = refine_people(people, read_all_results([path]), scene.body, predict_missing=True)
    said = " ".join(str(problem) for problem in done.outcome.problems if problem.subject == "000001.jpg#2")
    assert "predict-missing" not in said
    assert "skipped: no joint" in said or "joints" in said


def test_many_people_without_a_result_are_one_line(tmp_path):
    scene = make_scene(tmp_path, images=3)
    path = write_phalp(scene, tmp_path / "phalp.pkl", off(scene), [0])
    code, said = refine(path, "-k", scene.keypoints, "-o", tmp_path / "out", "--save", "npz")
    assert code == 0
    assert "000001.jpg#2, 000002.jpg#3, 000002.jpg#4 and 2 more: skipped: no body of it in the results" in said
    assert said.count("skipped: no body of it") == 1


def test_betas_of_the_body_that_they_belong_to_are_exact(tmp_path):
    body = load_body()
    arrays = body_arrays(body)
    arrays["v_template"] = arrays["v_template"] + np.array([0.0, -0.2, 0.03])
    np.savez_compressed(tmp_path / "SMPL_LIKE.npz", **arrays)
    licensed = load_body(str(tmp_path / "SMPL_LIKE.npz"))
    scene = make_scene(tmp_path, body=licensed)
    path = write_phalp(scene, tmp_path / "phalp.pkl", off(scene, 0.0), [0, 1, 2, 3])
    found = find_starts(people_of(scene), read_all_results([path]), licensed)
    assert found.estimate is not None
    # At PHALP's focal length bodies stand 10 m away: they are carried back, and turned by the angle of their rays.
    assert float(found.estimate.diagnostics.mean_error_px.max()) < 6.0
    assert torch.equal(found.estimate.betas, scene.params[:, licensed.layout.betas])
    assert "made with the same body" in found.remarks[0]
    assert float(errors_mm(scene, found.estimate).max()) < 1e-2


def test_rows_go_by_frame_or_by_order_where_no_image_is_named(scene, tmp_path):
    rotations = off(scene).numpy()
    track = {
        "pred_cam": np.tile([0.9, 0.0, 0.0], (2, 1)),
        "betas": np.zeros((2, 10)),
        "bboxes": np.tile([120.0, 240.0, 200.0, 200.0], (2, 1)),
        "frame_ids": np.arange(2),
    }
    left = track | {"pose": rotations[[0, 2]], "smpl_joints2d": None}
    joblib.dump({1: left}, tmp_path / "pare_output.pkl")
    found = find_starts(people_of(scene), read_all_results([tmp_path / "pare_output.pkl"]), scene.body)
    assert found.estimate is not None
    assert [name.rpartition("#")[2] for name in found.estimate.names] == ["1", "3"]
    assert "frame 0 is taken for the image numbered 1" in " ".join(found.remarks)


def test_an_image_without_people_in_the_keypoint_file_may_be_frame_0(scene, tmp_path):
    content = json.loads(scene.keypoints.read_text())
    content["images"].insert(0, {"id": 0, "file_name": "000000.jpg", "width": WIDTH, "height": HEIGHT})
    keypoints = tmp_path / "people.json"
    keypoints.write_text(json.dumps(content))
    found = Source(images=[keypoints]).gather()
    assert Path("000000.jpg") in found.images
    track = {
        "pose": off(scene).numpy()[[0, 2]],
        "pred_cam": np.tile([0.9, 0.0, 0.0], (2, 1)),
        "betas": np.zeros((2, 10)),
        "bboxes": np.tile([120.0, 240.0, 200.0, 200.0], (2, 1)),
        "frame_ids": np.array([1, 2]),
        "smpl_joints2d": None,
    }
    joblib.dump({1: track}, tmp_path / "pare_output.pkl")
    given = read_all_results([tmp_path / "pare_output.pkl"])
    right, off_by_one = (
        find_starts(found.people, given, scene.body, images=images).estimate for images in (found.images, ())
    )
    assert right is not None
    assert off_by_one is not None
    assert right.names == ("000001.jpg#1", "000002.jpg#3")
    assert off_by_one.names == ("000002.jpg#3",)  # where frame 0 is not known, frame 1 is the second image


def test_rows_without_crops_are_turned_by_the_rays_to_their_people(scene, tmp_path):
    """SPIN's eval.py: no image, no box; what was seen on a crop is seen along another ray in the image."""
    flat = on_crops(scene)
    np.savez(tmp_path / "spin.npz", pose=flat, betas=np.zeros((4, 10)), camera=np.tile([0.9, 0, 0], (4, 1)))
    rows = find_starts(people_of(scene), read_all_results([tmp_path / "spin.npz"]), scene.body)
    assert rows.estimate is not None
    assert len(rows.estimate) == 4
    assert "taken in the order of the people" in " ".join(rows.remarks)
    true, found = (axis_angle_to_matrix(one[:, :3].double()) for one in (scene.params, rows.estimate.params))
    in_file = axis_angle_to_matrix(torch.from_numpy(flat[:, :3]))
    apart, as_in_file = (torch.rad2deg(matrix_to_axis_angle(turn @ true.mT).norm(dim=-1)) for turn in (found, in_file))
    assert float(as_in_file.min()) > 9
    assert float(apart.max()) < 1.5


def on_crops(scene):
    """(B, 72) true poses as cameras that look at the roots see them."""
    rest = scene.body.rest_joints(scene.params[:, scene.body.layout.betas])[:, 0]
    roots = (scene.params[:, scene.body.layout.transl] + rest).double()
    pose = scene.params[:, scene.body.layout.pose].double().clone()
    pose[:, :3] = matrix_to_axis_angle(rotation_to_axis(roots) @ axis_angle_to_matrix(pose[:, :3]))
    return pose.numpy()


def test_our_pickles_go_by_the_images_that_they_are_named_after(scene, tmp_path):
    for row, image in enumerate(scene.images):
        estimate = BodyEstimate.from_smplx(
            scene.body.layout.split(scene.params[row : row + 1])._asdict(),
            intrinsics=default_intrinsics(WIDTH, HEIGHT),
            image_size=(WIDTH, HEIGHT),
            names=[f"{image}#{row}"],
        )
        estimate.save_smplify(tmp_path / f"{Path(image).stem}_{row}.pkl")
    found = find_starts(people_of(scene), read_all_results([tmp_path]), scene.body)
    assert found.estimate is not None
    assert float(errors_mm(scene, found.estimate).max()) < 40  # rotations; shapes are the mean's, as they were


def test_sam_3d_bodys_keypoints_become_poses_and_shapes(scene, tmp_path):
    named = [name or "pelvis" for name in MHR70]
    points = compile_points(scene.body, tuple(dict.fromkeys(named))).points(scene.params).double()
    order = [list(dict.fromkeys(named)).index(name) for name in named]
    at = points[:, order].numpy()
    matrix = default_intrinsics(WIDTH, HEIGHT).double()
    pixels = project(torch.from_numpy(at), matrix).numpy()
    people = [
        {
            "bbox": np.concatenate([pixels[row].min(0), pixels[row].max(0)]),
            "pred_keypoints_3d": at[row] - at[row].mean(0),
            "pred_keypoints_2d": pixels[row],
            "pred_cam_t": at[row].mean(0),
            "mhr_model_params": np.zeros(204),
            "image": scene.images[row],
        }
        for row in range(4)
    ]
    np.savez(tmp_path / "sam.npz", results=np.array(people, dtype=object))
    given = read_results(tmp_path / "sam.npz").bodies
    torch.testing.assert_close(given.place().intrinsics[:, 0, 0], matrix[0, 0].expand(4), atol=1e-3, rtol=0)
    found = find_starts(people_of(scene), read_all_results([tmp_path / "sam.npz"]), scene.body)
    assert found.estimate is not None
    assert float(errors_mm(scene, found.estimate).max()) < 35  # points tell a pose but for turns about the limbs
    assert "fitted to its joints" in found.remarks[-1] + found.remarks[0] + found.remarks[1]


def test_bodies_of_a_world_are_turned_as_we_see_them(scene, tmp_path):
    poses = np.zeros((4, 156))
    poses[:, 3:66] = scene.params[:, 3:66].numpy()
    np.savez(tmp_path / "amass.npz", poses=poses, trans=np.zeros((4, 3)), betas=np.zeros(16), gender="neutral")
    with np.load(tmp_path / "amass.npz") as held:
        assert "mocap_framerate" not in held  # nothing of it is needed
    one = people_of(scene)[:1]
    found = find_starts(one, read_all_results([tmp_path / "amass.npz"]), scene.body)
    assert found.estimate is not None
    world = axis_angle_to_matrix(torch.stack([found.estimate.global_orient[0], scene.params[0, :3]]))
    apart = matrix_to_axis_angle(world[0] @ world[1].mT).norm()
    assert float(torch.rad2deg(apart)) < 40


def test_our_own_estimates_are_refined_by_place_whatever_they_are_called(scene, tmp_path):
    given = BodyEstimate.from_smplx(
        scene.body.layout.split(scene.params)._asdict(),
        intrinsics=default_intrinsics(WIDTH, HEIGHT),
        image_size=(WIDTH, HEIGHT),
        names=[f"{image}#x{row}" for row, image in enumerate(scene.images)],
        images=scene.images,
    )
    given.save(tmp_path / "own.npz")
    found = find_starts(people_of(scene), read_all_results([tmp_path / "own.npz"]), scene.body)
    assert found.estimate is not None
    torch.testing.assert_close(found.estimate.transl, scene.params[:, scene.body.layout.transl], atol=1e-5, rtol=0)
    assert float(errors_mm(scene, found.estimate).max()) < 1e-2


def test_another_focal_length_than_documented_is_told_by_the_files_own_joints(scene, tmp_path):
    path = write_phalp(scene, tmp_path / "phalp.pkl", off(scene, 0.0), [0, 1, 2, 3])
    frames = joblib.load(path)
    focal = 1234.0  # of a fork, not 5000 / 256 of the longer side
    for row, image in enumerate(scene.images):
        frame = frames[f"/data/{image}"]
        place = row % 2
        own = np.zeros((45, 3))
        own[:25] = np.random.default_rng(row).normal(size=(25, 3)) * 0.4
        drawn = np.zeros((45, 2))
        at = own[:25] + frame["camera"][place]
        drawn[:25] = (focal * at[:, :2] / at[:, 2:] + np.array([WIDTH, HEIGHT]) / 2 + [0, (WIDTH - HEIGHT) / 2]) / WIDTH
        frame["3d_joints"][place], frame["2d_joints"][place] = own, drawn.ravel()
    joblib.dump(frames, path, compress=3)
    found = find_starts(people_of(scene), read_all_results([path]), scene.body)
    assert "taken is the one that its joints tell, f = 1234 px" in " ".join(found.remarks)


def test_results_of_larger_images_are_scaled_and_of_cut_ones_are_placed_anew(scene, tmp_path):
    path = write_phalp(scene, tmp_path / "phalp.pkl", off(scene), [0, 1, 2, 3])
    people, plain = people_of(scene), read_all_results([path])
    frames = joblib.load(path)
    for frame in frames.values():
        frame["size"] = [2 * size for size in frame["size"]]  # f = 5000 / 256 D grows with it, and places stay
    joblib.dump(frames, path, compress=3)
    doubled = find_starts(people, read_all_results([path]), scene.body)
    assert doubled.estimate is not None
    before = find_starts(people, plain, scene.body).estimate
    assert before is not None
    torch.testing.assert_close(doubled.estimate.params, before.params, atol=2e-3, rtol=0)
    assert "its images are 1280 x 960, the keypoints' 640 x 480; they are scaled" in " ".join(doubled.remarks)
    for frame in frames.values():
        frame["size"] = [np.array([HEIGHT, 3 * WIDTH]) for _ in frame["size"]]
    joblib.dump(frames, path, compress=3)
    cut = find_starts(people, read_all_results([path]), scene.body)
    assert "where people are is not taken from it" in " ".join(cut.remarks)


def test_a_videos_frames_are_matched_by_their_number(scene, tmp_path):
    """As the reader of a video names them: VIDEO/FRAME#PERSON."""
    people = [
        replace(person, image=None, image_size=(WIDTH, HEIGHT), image_label=f"film.mp4/{row // 2:06}")
        for row, person in enumerate(people_of(scene))
    ]
    path = write_phalp(scene, tmp_path / "phalp.pkl", off(scene), [1, 0, 3, 2])
    found = find_starts(people, read_all_results([path]), scene.body)
    assert found.estimate is not None
    assert len(found.estimate) == 4
    assert float(errors_mm(scene, found.estimate).max()) < 100


def bad_files(folder: Path) -> dict[str, str]:
    """Files, and what is said of them."""
    pose, betas, ones = np.zeros((2, 72)), np.zeros((2, 10)), np.ones(2)
    cliff = {"pose": pose, "shape": betas, "global_t": np.ones((2, 3)), "focal_l": ones}
    np.savez(folder / "unknown.npz", a=np.zeros(3), b=np.zeros(4))
    np.savez(folder / "rows.npz", **(cliff | {"shape": np.zeros((3, 10))}))
    np.savez(folder / "shape.npz", **(cliff | {"pose": pose[:, :70]}))
    np.savez(folder / "nan.npz", **(cliff | {"pose": pose * np.nan}))
    np.savez(folder / "missing.npz", pose=pose, global_orient=pose[:, :3], body_pose=pose[:, 3:], transl=ones)
    track = {"pred_cam": np.ones((2, 3)), "pose": pose, "betas": betas, "frame_ids": np.arange(2)}
    joblib.dump({1: track | {"bboxes": np.ones((2, 3))}}, folder / "boxes.pkl")
    latent = {"camera_translation": np.ones((1, 3)), "body_pose": np.zeros((1, 32)), "global_orient": pose[:1, :3]}
    joblib.dump(latent | {"betas": betas[:1]}, folder / "000.pkl")
    frame = {"tid": [1], "smpl": [{}], "camera": [np.ones(3)], "size": [ones], "tracked_time": [0]}
    joblib.dump({"a.jpg": frame}, folder / "phalp.pkl")
    (folder / "person.obj").write_text("v 0 0 0\n")
    (folder / "text.pkl").write_text("hello")
    return {
        "unknown.npz": "holds a, b; expected results of",
        "rows.npz": "3 rows of shape, but 2 bodies",
        "shape.npz": "pose: expected axis-angle vectors or 3 x 3 matrices",
        "missing.npz": "1 rows of transl, but 2 bodies",
        "nan.npz": "no body of it is finite",
        "boxes.pkl": r"bboxes: expected \(N, 4\)",
        "000.pkl": "VPoser",
        "phalp.pkl": "smpl: expected global_orient, body_pose, betas",
        "person.obj": "a mesh has no pose",
        "text.pkl": "no npz, npy, pickle, joblib, torch or JSON file that can be read",
        "nowhere.pkl": "no such file",
    }


def test_bad_files_are_one_line_that_names_them(tmp_path):
    for name, said in bad_files(tmp_path).items():
        with pytest.raises((OSError, ValueError), match=said) as caught:
            read_results(tmp_path / name)
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)


def test_single_bad_bodies_cost_no_other(scene, tmp_path):
    rotations = off(scene)
    rotations[1] = torch.nan
    path = write_phalp(scene, tmp_path / "phalp.pkl", rotations, [0, 1, 2, 3])
    found = read_results(path)
    assert len(found.bodies) == 3
    assert "rows 1: numbers that are not finite, or matrices that are no rotations; left out" in found.problems[0]


def test_results_of_other_images_are_said(scene, tmp_path):
    path = write_phalp(scene, tmp_path / "phalp.pkl", off(scene), [0, 1])
    frames = joblib.load(path)
    one = next(iter(frames.values()))
    other = {name: one | {"img_path": name} for name in ("x.jpg", "y.jpg")}
    joblib.dump(other, path)
    code, said = refine(path, "-k", scene.keypoints, "-o", tmp_path / "out")
    assert code == 1
    assert "of other images than the keypoints: x.jpg, y.jpg" in said


def test_the_anchor_goes_by_the_program():
    sure, less = (
        next(spec for spec in refine_config(name).terms if spec.name == "joint_anchor") for name in ("HMR2", "SPIN")
    )
    assert sure.errors_deg[0] < less.errors_deg[0]  # type: ignore[attr-defined]
    assert len(usual_errors_deg("HMR2")) == 24
    assert "anchor" not in [spec.name for spec in refine_config("HMR2").terms]


def test_known_sizes_leave_the_programs_anchors_in_place(scene, tmp_path):
    path = write_phalp(scene, tmp_path / "phalp.pkl", off(scene), [0, 1, 2, 3])
    files = (path, "-k", scene.keypoints, "--save", "npz")
    assert refine(*files, "-o", tmp_path / "sized", "--height", "1.9")[0] == 0
    sized = load_estimates([tmp_path / "sized"])
    assert {"known_size", "joint_anchor", "anchor_orient"} <= set(sized.diagnostics.energy)
    (tmp_path / "own.toml").write_text("[terms.keypoints]\n")
    assert refine(*files, "-o", tmp_path / "own", "--height", "1.9", "--config", tmp_path / "own.toml")[0] == 0
    own = load_estimates([tmp_path / "own"])
    assert "known_size" in own.diagnostics.energy
    assert "joint_anchor" not in own.diagnostics.energy  # constants of the usual anchor, as asked for


def own_file(scene, path, names, rows):
    """Our own results of some of the people, called so, without paths of images."""
    BodyEstimate.from_smplx(
        scene.body.layout.split(scene.params[rows])._asdict(),
        intrinsics=default_intrinsics(WIDTH, HEIGHT),
        image_size=(WIDTH, HEIGHT),
        names=names,
    ).save(path)
    return read_all_results([path])


def test_our_own_results_without_paths_go_by_their_names_and_not_by_the_order_of_rows(scene, tmp_path):
    rows = [3, 2, 1, 0]
    results = own_file(scene, tmp_path / "own.npz", [f"{scene.images[row]}#{row + 1}" for row in rows], rows)
    found = find_starts(people_of(scene), results, scene.body)
    assert found.estimate is not None
    assert len(found.estimate) == 4
    assert float(errors_mm(scene, found.estimate).max()) < 1e-2
    anew = own_file(scene, tmp_path / "own.npz", [f"{scene.images[row]}#x{row}" for row in rows], rows)
    found = find_starts(people_of(scene), anew, scene.body)  # as another detector numbers people
    assert found.estimate is not None
    assert float(errors_mm(scene, found.estimate).max()) < 1e-2


def test_our_own_results_of_a_video_go_by_their_frames(scene, tmp_path):
    people = [
        replace(person, image=None, image_size=(WIDTH, HEIGHT), image_label=f"film.mp4/{row // 2:06}")
        for row, person in enumerate(people_of(scene))
    ]
    rows = [2, 3, 0, 1]
    results = own_file(scene, tmp_path / "own.npz", [f"film.mp4/{row // 2:06}#1{row}" for row in rows], rows)
    found = find_starts(people, results, scene.body)
    assert found.estimate is not None
    assert len(found.estimate) == 4
    assert float(errors_mm(scene, found.estimate).max()) < 1e-2


def test_a_body_of_the_persons_name_comes_first_unless_it_lies_elsewhere(scene, tmp_path):
    near = scene.params.clone()
    near[1] = near[0]
    near[0, scene.body.layout.transl.start] += 0.1  # the person's own, a little farther off than a stranger's
    results = own_file(replace(scene, params=near), tmp_path / "own.npz", ["000001.jpg#1", "000001.jpg#x"], [0, 1])
    found = find_starts(people_of(scene)[:1], results, scene.body)
    assert found.estimate is not None
    torch.testing.assert_close(found.estimate.transl[0], near[0, scene.body.layout.transl], atol=1e-5, rtol=0)
    swapped = own_file(scene, tmp_path / "own.npz", ["000001.jpg#2", "000001.jpg#1"], [0, 1])
    found = find_starts(people_of(scene), swapped, scene.body)
    assert found.estimate is not None
    assert float(errors_mm(scene, found.estimate).max()) < 1e-2


def test_frame_0_is_told_by_all_images_also_those_without_people(scene, tmp_path):
    rotations = off(scene).numpy()
    track = {"pred_cam": np.tile([0.9, 0.0, 0.0], (2, 1)), "betas": np.zeros((2, 10)), "frame_ids": np.array([1, 2])}
    track |= {"bboxes": np.tile([120.0, 240.0, 200.0, 200.0], (2, 1)), "pose": rotations[[0, 2]]}
    joblib.dump({1: track | {"smpl_joints2d": None}}, tmp_path / "pare_output.pkl")
    results = read_all_results([tmp_path / "pare_output.pkl"])
    found = find_starts(people_of(scene), results, scene.body, images=[Path(f"{n:06}.jpg") for n in range(3)])
    assert found.estimate is not None
    assert [name.rpartition("#")[2] for name in found.estimate.names] == ["1", "3"]
    for number in range(3):
        (tmp_path / f"{number:06}.jpg").write_bytes(b"\xff\xd8\xff")
    source = Source(images=(tmp_path,), keypoints=scene.keypoints)
    assert [path.name for path in source.all_images()] == ["000000.jpg", "000001.jpg", "000002.jpg"]


def test_rows_without_names_count_people_who_cannot_be_fitted(scene, tmp_path):
    np.savez(tmp_path / "spin.npz", pose=on_crops(scene), betas=np.zeros((4, 10)), camera=np.tile([0.9, 0, 0], (4, 1)))
    people, results = people_of(scene), read_all_results([tmp_path / "spin.npz"])
    whole = find_starts(people, results, scene.body).estimate
    people[1] = replace(people[1], confidence=np.zeros_like(people[1].confidence))
    found = find_starts(people, results, scene.body).estimate
    assert whole is not None
    assert found is not None
    assert found.names == tuple(whole.names[row] for row in (0, 2, 3))
    assert torch.equal(found.params, whole.params[[0, 2, 3]])


def test_frames_that_a_file_leaves_out_are_counted(scene, tmp_path):
    rotations = off(scene)
    one = {"cam": np.array([[0.5, 0.0, 0.0]]), "smpl_betas": np.zeros((1, 10))}
    held = {
        f"{frame:08}.jpg": one | {"smpl_thetas": matrix_to_axis_angle(rotations[row]).reshape(1, 72).numpy()}
        for row, frame in enumerate((3, 4, 9))
    }
    np.savez(tmp_path / "video_results.npz", results=np.array(held, dtype=object))
    assert read_results(tmp_path / "video_results.npz").bodies.frames.tolist() == [3, 4, 9]
    frames = joblib.load(write_phalp(scene, tmp_path / "phalp.pkl", rotations, [0, 2]))
    for frame, time in zip(frames.values(), (5, 8), strict=True):
        frame["time"] = time
    joblib.dump(frames, tmp_path / "phalp.pkl")
    assert read_results(tmp_path / "phalp.pkl").bodies.frames.tolist() == [5, 8]


def test_what_is_said_of_many_files_of_a_folder_is_one_line(tmp_path):
    """A file an image, as ROMP, PARE and SAM 3D Body write them; all lack the same, and others are no results."""
    rng = np.random.default_rng(0)
    for number in range(40):
        points = rng.normal(size=(70, 3)) + np.array([0.0, 0.0, 5.0])
        held = {"pred_keypoints_3d": points, "pred_cam_t": np.array([0.0, 0.0, 0.1])}
        at = points + held["pred_cam_t"]
        np.savez(tmp_path / f"{number:03}.npz", **held, pred_keypoints_2d=800 * at[:, :2] / at[:, 2:] + 300)
        np.savez(tmp_path / f"x{number:03}.npz", something=np.zeros(3))
    (first, *others) = read_all_results([tmp_path])
    assert len(others) == 39
    assert not any(other.remarks or other.problems for other in others)
    (remark,), (problem,) = first.remarks, first.problems
    assert remark.endswith("found from its own keypoints (so of 001.npz, 002.npz, 003.npz and 36 more)")
    assert problem.startswith(f"{tmp_path}/x000.npz: holds something")
    assert problem.endswith("(so of x001.npz, x002.npz, x003.npz and 36 more)")


def test_a_file_that_is_named_beside_its_folder_is_read_once(scene, tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    path = write_phalp(scene, folder / "phalp.pkl", off(scene), [1, 0, 3, 2])
    assert len(read_all_results([path, folder])) == 1
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.pkl").write_bytes(b"no pickle")
    with pytest.raises(ResultFileError, match=r"broken/a\.pkl"):
        read_all_results([folder, tmp_path / "broken"])


def test_a_second_annotation_file_is_refused(scene, tmp_path):
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text('{"images": [{"id": 1, "file_name": "000001.jpg"}]}')
    keypoints = tmp_path / "coco.json"
    keypoints.write_text("[]")
    given = ["--images", tmp_path / "a.json", "--images", tmp_path / "b.json"]
    code, told = refine(tmp_path / "x.npz", "-k", keypoints, *given, "-o", tmp_path / "out")
    assert code != 0
    assert "give one with all images" in " ".join(told.replace("│", " ").split())
