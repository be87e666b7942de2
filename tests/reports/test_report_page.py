"""The report: what it holds, and that a browser shows it."""

import base64
import gzip
import io
import json
import re
from dataclasses import replace

import browser as driver  # type: ignore[import-not-found]  # its folder is on pytest's path
import numpy as np
import pytest
import torch
from PIL import Image

from anchorfit.body import load_body
from anchorfit.observations.videos import write_video
from anchorfit.points import fit_points
from anchorfit.rendering import rasterize
from anchorfit.reports import write_report
from anchorfit.reports.cards import MOST_FRAMES
from anchorfit.reports.packing import MeshOrder, pack_indices
from anchorfit.results import said_of_up


@pytest.fixture(scope="module")
def body():
    return load_body()


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo é.jpg"
    Image.fromarray(np.full((480, 640, 3), 90, np.uint8)).save(path)
    return path


def content(page) -> dict:
    text = page.read_text("utf-8")
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    return json.loads(data)


def unpacked(data: dict, meshes: dict) -> np.ndarray:
    """(T, V, 3) in the page's order of vertices, as its script unpacks them."""
    guides = np.frombuffer(gzip.decompress(base64.b64decode(data["guides"]["values"])), "<u2").reshape(-1, 3)
    planes = np.frombuffer(gzip.decompress(base64.b64decode(meshes["rest"])), np.uint8)
    low, high = planes.astype(np.int64).reshape(2, meshes["count"], 3, -1)
    folded = low | high << 8
    rest = ((folded >> 1) ^ -(folded & 1)).cumsum(0).transpose(2, 0, 1)  # (V, T, 3)
    grid = np.zeros_like(rest)
    for place, (a, b, c) in enumerate(guides):
        guess = grid[a] + grid[b] - grid[c] if place else 0
        grid[place] = (guess + rest[place]) & 0xFFFF
    return np.array(meshes["low"]) + meshes["step"] * grid.transpose(1, 0, 2)


def page_order(body) -> np.ndarray:
    return MeshOrder.of(body.faces.numpy(), body.num_vertices).order


def test_meshes_come_back_to_a_fraction_of_a_millimetre(body):
    generator = np.random.default_rng(0)
    pieces = np.array([[0, 1, 2], [2, 1, 3], [5, 6, 7]])  # vertex 4 is in none
    order = MeshOrder.of(pieces, 8)
    assert sorted(order.order) == list(range(8))
    assert (order.guides.max(1)[1:] < np.arange(1, 8)).all()  # each from earlier ones alone
    data = {"guides": pack_indices(order.guides)}
    for scale, tolerance in ((1.0, 2e-4), (1e4, 1.0)):  # beyond 20 m the grid is coarser
        meshes = scale * generator.normal(size=(3, 8, 3)) * [1, 0, 2] + 7
        found = unpacked(data, order.pack(meshes))
        np.testing.assert_allclose(found, meshes[:, order.order], atol=tolerance)
        assert order.renumbered(pieces).tolist() == [[list(order.order).index(v) for v in face] for face in pieces]


def test_the_page_holds_bodies_errors_and_pictures(some_estimate, body, photo, tmp_path):
    estimate = some_estimate(3, image=str(photo))
    other = replace(some_estimate(3, seed=1, image=str(photo)), method="direct")
    assert write_report(tmp_path / "a.html", estimate, body, against=[other.rows([2, 0])]) == []
    data = content(tmp_path / "a.html")
    assert [person["name"] for person in data["people"]] == list(estimate.names)
    assert [person["score"] for person in data["people"]] == pytest.approx([0.9, 0.1, 0.9])
    for row, person in enumerate(data["people"]):
        (frame,) = person["frames"]
        expected = estimate.bodies(body).vertices[row, page_order(body)]
        np.testing.assert_allclose(unpacked(data, person["meshes"])[0], expected, atol=2e-4)
        shown = [joint["error_px"] for joint in frame["joints"]]
        known = estimate.diagnostics.reprojection_px[row]
        np.testing.assert_allclose(shown, known[torch.isfinite(known)], atol=1e-3)
        assert frame["picture"].startswith("data:image/")
    assert [person["against"] and person["against"]["method"] for person in data["people"]] == [
        "direct",
        None,
        "direct",
    ]
    moved = other.bodies(body).vertices - other.bodies(body).joints[:, :1]
    own = estimate.bodies(body).vertices - estimate.bodies(body).joints[:, :1]
    expected = 1000 * (moved[2] - own[2]).norm(dim=-1).mean()
    assert data["people"][2]["frames"][0]["against"]["distance_mm"] == pytest.approx(float(expected), abs=0.01)


def test_names_cannot_break_out_and_nothing_is_fetched(some_estimate, body, tmp_path):
    nasty = "</script><script>document.title='broken'</script>$title ${x}"
    estimate = replace(some_estimate(1, image=""), names=(f"{nasty}#1",))
    write_report(tmp_path / "a.html", estimate, body, title="<b>&$1")
    text = (tmp_path / "a.html").read_text()
    assert content(tmp_path / "a.html")["people"][0]["name"] == f"{nasty}#1"
    assert "<script>document" not in text
    assert "<title>&lt;b&gt;&amp;$1</title>" in text
    links = set(re.findall(r'(?:src|href)="(?!data:)([^"]*)"', text.split('<script type="application/json"')[0]))
    assert links == {"https://threejs.org"}  # for the reader to click on


def test_a_missing_photograph_costs_only_its_picture(some_estimate, body, tmp_path):
    estimate = some_estimate(2, image=str(tmp_path / "gone.jpg"))
    (problem,) = write_report(tmp_path / "a.html", estimate, body)
    assert "gone.jpg: no such image" in problem
    people = content(tmp_path / "a.html")["people"]
    assert [person["frames"][0]["picture"] for person in people] == [None, None]  # drawn on plain ground


def test_who_is_left_out_is_said(some_estimate, body, tmp_path):
    estimate = some_estimate(4, image="")
    transl = estimate.transl.clone()
    transl[1] = torch.nan
    write_report(tmp_path / "a.html", replace(estimate, transl=transl), body, most=2, unseen=5)
    data = content(tmp_path / "a.html")
    assert [person["name"] for person in data["people"]] == ["#0", "#3"]  # the least trusted, and the first
    assert data["left_out"] == 6
    with pytest.raises(ValueError, match="nobody to show"):
        write_report(tmp_path / "b.html", estimate.rows([]), body)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if not driver.is_there():
        pytest.skip("chromium and its driver are not installed")
    opened = driver.Browser(tmp_path_factory.mktemp("browser"))
    yield opened
    opened.stop()


SETTLED = "return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"
PIXELS = """
const view = document.getElementById('view'), copy = document.createElement('canvas');
[copy.width, copy.height] = [arguments[0], arguments[0]];
const pen = copy.getContext('2d');
pen.drawImage(view, 0, 0, copy.width, copy.height);
return Array.from(pen.getImageData(0, 0, copy.width, copy.height).data);
"""
NAMES = "return Array.from(document.querySelectorAll('#grid .name')).map(n => n.textContent);"
SORT = "const s = document.getElementById('sort'); s.value = arguments[0]; s.dispatchEvent(new Event('change'));"


def pixels(browser, side: int = 32, canvas: str = "view") -> np.ndarray:
    values = browser.run(PIXELS.replace("'view'", repr(canvas)), side)
    return np.array(values, dtype=float).reshape(side, side, 4)[..., :3]


def test_a_browser_draws_sorts_and_turns(browser, some_estimate, body, photo, tmp_path):
    estimate = some_estimate(3, image=str(photo))
    errors = estimate.diagnostics.reprojection_px * torch.tensor([[2.0], [1.0], [3.0]])
    scores = torch.tensor([0.8, 0.1, 0.9])
    estimate = replace(estimate, diagnostics=replace(estimate.diagnostics, reprojection_px=errors, score=scores))
    other = replace(some_estimate(3, seed=1), names=estimate.names, method="direct")
    write_report(tmp_path / "report é.html", estimate, body, against=[other])
    browser.open(tmp_path / "report é.html")
    assert browser.wait_for("return document.body.dataset.ready") == "yes"

    first, second, third = estimate.names
    for order, expected in (
        ("order", [first, second, third]),
        ("trust", [second, first, third]),
        ("error", [third, first, second]),
    ):
        browser.run(SORT, order)
        assert browser.run(NAMES) == expected

    browser.run("const f = document.getElementById('filter'); f.value = 'nowhere'; f.dispatchEvent(new Event('input'))")
    assert browser.run(NAMES) == []
    browser.run("const f = document.getElementById('filter'); f.value = 'PHOTO'; f.dispatchEvent(new Event('input'))")
    assert browser.run(NAMES) == [third, first, second]
    browser.wait_for("return document.querySelectorAll('.card[data-drawn]').length === 3")

    browser.run("document.querySelector('[data-layer=camera]').click()")  # the body alone
    browser.run("document.querySelector('[data-layer=keypoints]').click()")
    browser.wait_for(SETTLED)
    before = pixels(browser)
    background = before[0, 0]
    drawn = np.abs(before - background).max(-1) > 12
    assert 0.03 < drawn.mean() < 0.8
    azimuth = float(browser.run("return document.getElementById('view').dataset.azimuth"))
    browser.drag("#view", (150, 0))
    browser.wait_for(f"return Math.abs(document.getElementById('view').dataset.azimuth - {azimuth}) > 0.5")
    assert np.abs(pixels(browser) - before).max() > 40

    browser.run("document.querySelectorAll('#grid .card')[0].click()")
    browser.wait_for(f"return document.getElementById('view').dataset.shown === {json.dumps(third)}")
    assert "direct" in browser.run("return document.getElementById('facts').textContent")
    assert browser.run("return document.querySelectorAll('#facts svg .bar').length") > 5
    assert browser.console() == []


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    return (first & second).sum() / (first | second).sum()


def test_the_first_view_is_the_photographs_camera(browser, some_estimate, body, photo, tmp_path):
    """The body covers in the view what it covers in the photograph, opaque or faint as the slider says."""
    one = some_estimate(1, image=str(photo))
    one = replace(one, transl=torch.tensor([[0.5, 0.2, 4.0]]))  # off the camera's axis
    write_report(tmp_path / "a.html", one, body)
    browser.open(tmp_path / "a.html")
    assert browser.wait_for("return document.body.dataset.ready") == "yes"
    browser.run("document.querySelector('[data-layer=keypoints]').click()")
    shade = {}
    for opacity in (0, 50, 100):
        browser.run(SLIDE, "opacity", opacity)
        browser.wait_for(SETTLED)
        shade[opacity] = pixels(browser, 128)
    shown = np.abs(shade[100] - shade[0]).max(-1) > 40
    half = np.abs(shade[50] - shade[0])[shown].mean() / np.abs(shade[100] - shade[0])[shown].mean()
    assert 0.3 < half < 0.8

    (person,) = content(tmp_path / "a.html")["people"]
    left, top, width, height = person["window"]
    wide, high = browser.run("const v = document.getElementById('view'); return [v.clientWidth, v.clientHeight]")
    whole = max(width, height * wide / high), max(height, width * high / wide)  # widened to the view's shape
    corner = np.array([left + width / 2, top + height / 2]) - np.array(whole) / 2
    zoom = torch.tensor(
        [[128 / whole[0], 0, -corner[0] * 128 / whole[0]], [0, 128 / whole[1], -corner[1] * 128 / whole[1]], [0, 0, 1]]
    )
    fragments = rasterize(one.bodies(body).vertices, body.faces, (zoom.float() @ one.intrinsics[0])[None], (128, 128))
    assert overlap(shown, (fragments.face_ids[0] >= 0).numpy()) > 0.85


def film(tmp_path, some_estimate, frames: int = 12):
    """A clip whose frame k is of grey 10 k, and people 1 and 2 of its frames."""
    path = tmp_path / "clip <b>.mp4"
    write_video(path, (np.full((480, 640, 3), 20 * k, np.uint8) for k in range(frames)), 2.0)
    names = tuple(f"{path.name}/{k:06}#{number}" for number in (1, 2) for k in range(frames))
    moved = some_estimate(2 * frames, image="")
    return path, replace(moved, names=names)


def test_a_videos_person_is_one_card_with_its_frames(some_estimate, body, tmp_path):
    path, estimate = film(tmp_path, some_estimate)
    assert write_report(tmp_path / "a.html", estimate, body, videos=[path]) == []
    data = content(tmp_path / "a.html")
    assert data["frames_per_second"] == 2
    assert [(person["name"], person["image"]) for person in data["people"]] == [
        (f"{path.name}#1", path.name),
        (f"{path.name}#2", path.name),
    ]
    for number, person in enumerate(data["people"]):
        assert [frame["frame"] for frame in person["frames"]] == list(range(12))
        expected = estimate.bodies(body).vertices[12 * number : 12 * number + 12, page_order(body)]
        np.testing.assert_allclose(unpacked(data, person["meshes"]), expected, atol=2e-4)
        for frame in person["frames"]:
            picture = Image.open(io.BytesIO(base64.b64decode(frame["picture"].partition(",")[2])))
            assert np.asarray(picture).mean() == pytest.approx(20 * frame["frame"], abs=6)


def test_long_videos_are_thinned_out_evenly(some_estimate, body, tmp_path):
    many = some_estimate(1, image="").rows([0] * (MOST_FRAMES + 1))
    many = replace(many, names=tuple(f"a.mp4/{k:06}#1" for k in range(len(many))))
    write_report(tmp_path / "a.html", many, body)
    (person,) = content(tmp_path / "a.html")["people"]
    assert [frame["frame"] for frame in person["frames"]] == list(range(0, MOST_FRAMES + 1, 2))
    assert person["dropped"] == MOST_FRAMES // 2
    assert person["frames"][0]["picture"] is None  # no file of the video was given


def test_a_video_cut_short_costs_the_frames_behind_its_end(some_estimate, body, tmp_path):
    path, estimate = film(tmp_path, some_estimate)
    write_video(path, (np.full((480, 640, 3), 99, np.uint8) for _ in range(5)), 8.0)
    (problem,) = write_report(tmp_path / "a.html", estimate, body, videos=[path])
    assert "ends before frame 5" in problem
    (first, _) = content(tmp_path / "a.html")["people"]
    assert [frame["picture"] is not None for frame in first["frames"]] == [True] * 5 + [False] * 7


SLIDE = "const s = document.getElementById(arguments[0]); s.value = arguments[1]; s.dispatchEvent(new Event('input'));"
FRAME = "return document.getElementById('view').dataset.frame"


def test_a_browser_plays_a_videos_frames(browser, some_estimate, body, tmp_path):
    path, estimate = film(tmp_path, some_estimate)
    write_report(tmp_path / "a.html", estimate, body, videos=[path])
    browser.open(tmp_path / "a.html")
    assert browser.wait_for("return document.body.dataset.ready") == "yes"
    assert browser.run(NAMES) == [f"{path.name}#1", f"{path.name}#2"]
    assert not browser.run("return document.getElementById('transport').hidden")
    for layer in ("body", "keypoints"):  # the frame alone
        browser.run(f"document.querySelector('[data-layer={layer}]').click()")
    for frame in (3, 11, 0):
        browser.run(SLIDE, "frame", frame)
        browser.wait_for(f"{FRAME} === '{frame}'")
        browser.wait_for(SETTLED)
        middle = pixels(browser)[16, 16]
        assert middle.mean() == pytest.approx(20 * frame, abs=10), frame
    browser.run("document.getElementById('play').click()")
    seen = browser.wait_for("window.seen ??= new Set(); window.seen.add(document.getElementById('view').dataset.frame);"
                            "return window.seen.size > 3 && [...window.seen]")  # fmt: skip
    assert [int(frame) for frame in seen] == sorted(int(frame) for frame in seen)
    browser.wait_for("return document.getElementById('play').textContent === 'play'")  # and stops at the end
    assert browser.run(FRAME) == "11"
    assert "doubtful frames" in browser.run("return document.getElementById('facts').textContent")
    assert browser.console() == []


def test_measurements_say_that_size_is_a_guess_unless_a_height_was_given(browser, some_estimate, body, tmp_path):
    guess = "assumes an adult of about 1.7 m; one photograph does not tell size"
    for terms, told in (({}, False), ({"known_size": torch.zeros(1)}, True)):
        one = some_estimate(1, image="")
        one = replace(one, diagnostics=replace(one.diagnostics, energy=one.diagnostics.energy | terms))
        write_report(tmp_path / "a.html", one, body)
        browser.open(tmp_path / "a.html")
        browser.wait_for("return document.body.dataset.ready")
        assert (guess in browser.run("return document.getElementById('facts').textContent")) is not told


def test_bodies_fitted_to_points_have_no_camera_and_no_photograph(browser, body, tmp_path):
    """ "up as in the photograph", a distance to the camera and a focal length: there never was one."""
    joints = body.from_params(torch.zeros(1, body.layout.size)).joints
    found = fit_points(joints.double(), convention="smpl24", body=body, covariance=True)
    assert said_of_up(found.estimate.method, known=False) == "as the points have it"
    path = tmp_path / "report.html"
    write_report(path, found.estimate, body)
    assert '"up":"up as the points have it"' in path.read_text()
    browser.open(path)
    browser.wait_for("return document.body.dataset.ready")
    facts = browser.run("return document.getElementById('facts').textContent")
    assert "none: points in space" in facts
    for stranger in ("photograph", "focal length", "distance to the camera", "mean reprojection error"):
        assert stranger not in facts


def test_without_webgl_the_picture_is_drawn_all_the_same(browser, some_estimate, body, photo, tmp_path):
    write_report(tmp_path / "a.html", some_estimate(1, image=str(photo)), body)
    text = (tmp_path / "a.html").read_text()
    (tmp_path / "a.html").write_text(text.replace('canvas.getContext("webgl2", {', 'canvas.getContext("nothing", {'))
    browser.open(tmp_path / "a.html")
    assert browser.wait_for("return document.body.dataset.ready") == "without 3D"
    picture = pixels(browser, canvas="flat")
    assert 0.05 < (np.abs(picture - 90).max(-1) > 30).mean() < 0.9  # the body on the grey photograph
    assert browser.console() == []
