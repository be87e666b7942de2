"""The report: what it holds, and that a browser shows it."""

import base64
import gzip
import json
import re
from dataclasses import replace

import browser as driver  # type: ignore[import-not-found]  # its folder is on pytest's path
import numpy as np
import pytest
import torch
from PIL import Image

from anchorfit.body import load_body
from anchorfit.reports import write_report
from anchorfit.reports.packing import pack_vertices


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


def unpacked(mesh: dict) -> np.ndarray:
    steps = np.frombuffer(gzip.decompress(base64.b64decode(mesh["steps"])), "<u2").reshape(-1, 3)
    return np.array(mesh["low"]) + steps / 65535 * np.array(mesh["span"])


def test_vertices_come_back_to_a_fraction_of_a_millimetre():
    vertices = np.random.default_rng(0).normal(size=(50, 3)) * [1, 0, 2] + 7
    np.testing.assert_allclose(unpacked(pack_vertices(vertices)), vertices, atol=1e-4)


def test_the_page_holds_bodies_errors_and_pictures(some_estimate, body, photo, tmp_path):
    estimate = some_estimate(3, image=str(photo))
    other = replace(some_estimate(3, seed=1, image=str(photo)), method="direct")
    assert write_report(tmp_path / "a.html", estimate, body, against=[other.rows([2, 0])]) == []
    data = content(tmp_path / "a.html")
    assert len(data["photos"]) == 1
    assert [person["name"] for person in data["people"]] == list(estimate.names)
    assert [person["score"] for person in data["people"]] == pytest.approx([0.9, 0.1, 0.9])
    for row, person in enumerate(data["people"]):
        np.testing.assert_allclose(unpacked(person["mesh"]), estimate.bodies(body).vertices[row], atol=1e-4)
        shown = [joint["error_px"] for joint in person["joints"]]
        known = estimate.diagnostics.reprojection_px[row]
        np.testing.assert_allclose(shown, known[torch.isfinite(known)], atol=1e-3)
        assert person["picture"]["src"].startswith("data:image/jpeg;base64,")
    assert [person["against"] and person["against"]["method"] for person in data["people"]] == [
        "direct",
        None,
        "direct",
    ]
    moved = other.bodies(body).vertices - other.bodies(body).joints[:, :1]
    own = estimate.bodies(body).vertices - estimate.bodies(body).joints[:, :1]
    expected = 1000 * (moved[2] - own[2]).norm(dim=-1).mean()
    assert data["people"][2]["against"]["distance_mm"] == pytest.approx(float(expected), abs=0.01)


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
    assert [person["photo"] for person in people] == [None, None]
    assert people[0]["picture"]["src"] != people[1]["picture"]["src"]  # each drawn alone, on plain ground


def test_who_is_left_out_is_said(some_estimate, body, tmp_path):
    estimate = some_estimate(4, image="")
    transl = estimate.transl.clone()
    transl[1] = torch.nan
    write_report(tmp_path / "a.html", replace(estimate, transl=transl), body, most=2, unseen=5)
    data = content(tmp_path / "a.html")
    assert [person["name"] for person in data["people"]] == ["#0", "#2"]
    assert data["left_out"] == 7
    with pytest.raises(ValueError, match="nobody to show"):
        write_report(tmp_path / "b.html", estimate.rows([]), body)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if not driver.is_there():
        pytest.skip("chromium and its driver are not installed")
    opened = driver.Browser(tmp_path_factory.mktemp("browser"))
    yield opened
    opened.stop()


PIXELS = """
const view = document.getElementById('view'), copy = document.createElement('canvas');
[copy.width, copy.height] = [32, 32];
const pen = copy.getContext('2d');
pen.drawImage(view, 0, 0, 32, 32);
return Array.from(pen.getImageData(0, 0, 32, 32).data);
"""
NAMES = "return Array.from(document.querySelectorAll('#grid .name')).map(n => n.textContent);"
SORT = "const s = document.getElementById('sort'); s.value = arguments[0]; s.dispatchEvent(new Event('change'));"


def pixels(browser) -> np.ndarray:
    return np.array(browser.run(PIXELS), dtype=float).reshape(32, 32, 4)[..., :3]


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

    browser.run("document.querySelector('[data-layer=camera]').click()")  # the body alone
    browser.wait_for("return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")
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
