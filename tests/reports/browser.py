"""A headless Chromium, driven over the WebDriver protocol (https://www.w3.org/TR/webdriver/)."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--window-size=1400,950",
]


def is_there() -> bool:
    return shutil.which("chromedriver") is not None and shutil.which("chromium") is not None


class Browser:
    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._log = (folder / "chromedriver.log").open("wb")
        self._driver = subprocess.Popen(
            ["chromedriver", f"--port={port}"], stdout=self._log, stderr=subprocess.STDOUT, cwd=folder
        )
        self._base = f"http://127.0.0.1:{port}"
        arguments = [*ARGUMENTS, f"--user-data-dir={folder / 'profile'}"]
        options = {"args": arguments, "binary": shutil.which("chromium")}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        body = {"capabilities": {"alwaysMatch": wanted}}
        for attempt in range(50):
            try:
                session = self._call("POST", "/session", body)
                break
            except urllib.error.URLError as error:
                if isinstance(error, urllib.error.HTTPError) or attempt == 49:
                    self.stop()
                    raise
                time.sleep(0.1)
        self._session = f"/session/{session['sessionId']}"

    def open(self, page: Path) -> None:
        self._call("POST", f"{self._session}/url", {"url": page.absolute().as_uri()})

    def run(self, script: str, *arguments: Any) -> Any:
        return self._call("POST", f"{self._session}/execute/sync", {"script": script, "args": list(arguments)})

    def wait_for(self, script: str, seconds: float = 60) -> Any:
        """What the script returns as soon as that is something."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.run(script)
            if found:
                return found
            time.sleep(0.05)
        raise TimeoutError(f"{script}; the console says {self.console()}")

    def console(self) -> list[str]:
        """Errors since the last call, uncaught exceptions among them."""
        entries = self._call("POST", f"{self._session}/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]

    def drag(self, selector: str, by: tuple[int, int]) -> None:
        """Press in the middle of an element, move and let go."""
        element = self._call("POST", f"{self._session}/element", {"using": "css selector", "value": selector})
        moves: list[dict[str, Any]] = [
            {"type": "pointerMove", "duration": 0, "x": 0, "y": 0, "origin": element},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerMove", "duration": 60, "x": by[0], "y": by[1], "origin": "pointer"},
            {"type": "pointerUp", "button": 0},
        ]
        self._call("POST", f"{self._session}/actions", {"actions": [{"type": "pointer", "id": "m", "actions": moves}]})

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._call("GET", f"{self._session}/screenshot")))

    def stop(self) -> None:
        session = getattr(self, "_session", None)
        if session is not None:
            self._call("DELETE", session)
        self._driver.terminate()
        self._driver.wait(20)
        self._log.close()

    def _call(self, method: str, path: str, body: dict | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data, {"Content-Type": "application/json"}, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy between us and ourselves
        with opener.open(request, timeout=90) as answer:
            return json.loads(answer.read())["value"]
