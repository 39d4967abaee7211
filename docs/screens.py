"""Makes the pictures of the page on site, page.png and page-engineer.png beside this file, from a run of the demo.

    .venv/bin/python docs/screens.py

A developer's tool; it needs chromium, and what `make install` brings.
"""  # noqa: INP001 - a script, in no package

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

AGENT = Path(sys.executable).with_name("edge-agent")
HERE = Path(__file__).parent
# The boiler leaks from the eighth second on; the desk has answered the press by then.
STORY_S = 90
PHONE, LAPTOP = {"width": 412, "height": 900}, {"width": 1180, "height": 760}


@contextmanager
def started(*words: str) -> Iterator[subprocess.Popen[str]]:
    """A program that is ended with SIGTERM."""
    with subprocess.Popen([AGENT, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as program:  # noqa: S603 - ours
        try:
            yield program
        finally:
            program.terminate()
            program.communicate()


def said(program: subprocess.Popen[str], pattern: str) -> str:
    """The first group of the first line that has it."""
    assert program.stdout
    for line in program.stdout:
        if found := re.search(pattern, line):
            return found[1]
    raise SystemExit(f"the demo ended without saying {pattern}")


def entered(page: Page, port: int, pin: str) -> None:
    """Come in with the PIN."""
    page.goto(f"http://127.0.0.1:{port}/")
    page.fill("#pin", pin)
    page.click("button[type=submit]")
    page.wait_for_selector("#well p")


def main() -> None:
    """Take both pictures while a case is worked on."""
    with started("demo", "home", "--for", str(STORY_S), "--seed", "11") as demo:
        socket = said(demo, r"--socket (\S+)")
        with started("console", "--socket", socket, "--state", str(Path(socket).parent)):
            opened = subprocess.run(  # noqa: S603 - ours
                [AGENT, "console", "open", "--json", "--socket", socket], capture_output=True, check=True
            )
            door = json.loads(opened.stdout)
            with sync_playwright() as play:
                browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
                laptop = browser.new_context(viewport=LAPTOP, device_scale_factor=1.5, locale="en-GB").new_page()
                phone = browser.new_context(viewport=PHONE, device_scale_factor=1.5, locale="en-GB").new_page()
                for window in (laptop, phone):
                    entered(window, door["port"], door["pin"])
                laptop.click("#to-engineer")
                laptop.click("text=boiler.pressure")
                said(demo, r"case \w+ is (ENGAGED)")
                phone.wait_for_timeout(1000)
                phone.screenshot(path=HERE / "page.png")
                laptop.evaluate("scrollTo(0, 0)")
                laptop.screenshot(path=HERE / "page-engineer.png")
                browser.close()


if __name__ == "__main__":
    main()
