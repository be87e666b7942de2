"""A browser plays the films that the package writes, from the first frame to the last."""

import browser as driver  # type: ignore[import-not-found]  # its folder is on pytest's path
import numpy as np
import pytest

from anchorfit.observations.videos import write_video

PAGE = """<video id="film" muted src="film.webm"></video><script>
film.onended = () => { window.done = "ended"; };
film.onerror = () => { window.done = "error"; };
film.play().catch(() => {});
</script>"""


@pytest.mark.skipif(not driver.is_there(), reason="needs Chromium and chromedriver")
def test_a_browser_plays_films(tmp_path):
    write_video(tmp_path / "film.webm", [np.full((120, 160, 3), 10 * i, np.uint8) for i in range(20)], 25.0)
    (tmp_path / "page.html").write_text(PAGE)
    browser = driver.Browser(tmp_path)
    try:
        browser.open(tmp_path / "page.html")
        assert browser.wait_for("return window.done", 30) == "ended"
        width, height, seconds = browser.run("return [film.videoWidth, film.videoHeight, film.duration]")
    finally:
        browser.stop()
    assert (width, height) == (160, 120)
    assert seconds == pytest.approx(0.8, abs=0.05)
