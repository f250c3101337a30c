"""A Chromium without a window, told what to do through a pair of pipes."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless --no-sandbox --use-gl=angle --use-angle=swiftshader --enable-unsafe-swiftshader "
    "--disable-background-networking --no-first-run --disable-dev-shm-usage "
    "--window-size=1000,700 --remote-debugging-pipe"
).split()
SECONDS = 90
# The browser reads from file descriptor 3 and writes to 4. Moved out of their way first.
LAUNCH = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
os.dup2(ends[0], 3), os.dup2(ends[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """Starts Chromium, or skips the test where there is none that starts."""

    def __init__(self, profile: Path) -> None:
        found = next((path for path in map(shutil.which, NAMES) if path), None)
        if found is None:
            pytest.skip("no Chromium to open the page with")
        orders_out, self._orders = os.pipe()
        self._answers, answers_in = os.pipe()
        ends = [str(orders_out), str(answers_in)]
        command = [found, *FLAGS, f"--user-data-dir={profile}"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, *ends, *command],
            pass_fds=(orders_out, answers_in),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(orders_out)
        os.close(answers_in)
        self._number = 0
        self._unread = b""

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._orders)
        os.close(self._answers)

    def evaluate(self, page: Path, expression: str) -> Any:
        """Open a page and give the value, or what is promised, of a JavaScript expression."""
        target = self._call("Target.createTarget", url=page.as_uri())
        session = self._call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        place = session["sessionId"]
        # The page may still be loading: wait until the expression means something.
        for _ in range(SECONDS):
            answer = self._call(
                "Runtime.evaluate",
                place,
                expression=f"document.readyState === 'complete' ? ({expression}) : undefined",
                awaitPromise=True,
                returnByValue=True,
            )
            assert "exceptionDetails" not in answer, answer["exceptionDetails"]
            if "value" in answer["result"]:
                return answer["result"]["value"]
            time.sleep(0.1)
        raise AssertionError(f"{expression} has no value")

    def _call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        try:
            os.write(self._orders, json.dumps(message).encode() + b"\0")
        except BrokenPipeError:
            pytest.skip("Chromium does not start here")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def _read(self) -> dict[str, Any]:
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            while b"\0" not in self._unread:
                assert selector.select(SECONDS), "the browser does not answer"
                part = os.read(self._answers, 1 << 20)
                if not part:
                    pytest.skip("Chromium does not start here")
                self._unread += part
        line, _, self._unread = self._unread.partition(b"\0")
        return json.loads(line)
