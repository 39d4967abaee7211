"""A real chromium over its own pipe (the DevTools protocol, one JSON object and a zero byte): no driver, no package."""

import asyncio
import base64
import json
import os
import shutil
import sys
import tempfile
import time
from contextlib import suppress

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: sudo apt install chromium")
# The browser listens on descriptor 3 and answers on 4; a child of ours has them elsewhere.
_LAUNCH = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"
)
_FLAGS = (
    *("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions"),
    *("--disable-background-networking", "--disable-component-update", "--mute-audio", "--hide-scrollbars"),
    *("--force-device-scale-factor=1", "--remote-debugging-pipe"),
)
_KEYS = {"Enter": (13, "\r"), "Escape": (27, ""), "Tab": (9, "")}


class BrowserError(Exception):
    """The page threw, or the browser refused."""


class Browser:
    """One headless chromium with a profile of its own; an async context manager."""

    async def __aenter__(self):
        self._folder = tempfile.mkdtemp(prefix="edge-chromium-")
        hears, self._to = os.pipe()
        comes, says = os.pipe()
        sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
        command = (CHROMIUM, *_FLAGS, *sandbox, f"--user-data-dir={self._folder}", "about:blank")
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _LAUNCH, str(hears), str(says), *command),
            pass_fds=(hears, says),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        os.close(hears)
        os.close(says)
        self._number = 0
        self._waiting = {}
        self.pages = {}
        reader = asyncio.StreamReader(limit=64 * 1024 * 1024)
        pipe = os.fdopen(comes, "rb")
        self._transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), pipe
        )
        self._listening = asyncio.create_task(self._listen(reader))
        return self

    async def __aexit__(self, *_):
        with suppress(TimeoutError, BrowserError):
            await asyncio.wait_for(self.send("Browser.close"), 5)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), 5)
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        self._transport.close()
        os.close(self._to)
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _listen(self, reader):
        while True:
            told = json.loads((await reader.readuntil(b"\0"))[:-1])
            if "id" in told:
                waiting = self._waiting.pop(told["id"], None)
                if waiting and not waiting.done():
                    waiting.set_result(told)
            elif told.get("sessionId") in self.pages:
                self.pages[told["sessionId"]].hear(told)

    async def send(self, method, session=None, /, **params):
        self._number += 1
        asked = {"id": self._number, "method": method, "params": params}
        if session:
            asked["sessionId"] = session
        answer = self._waiting[self._number] = asyncio.get_running_loop().create_future()
        os.write(self._to, json.dumps(asked).encode() + b"\0")
        told = await asyncio.wait_for(answer, 30)
        if "error" in told:
            raise BrowserError(f"{method}: {told['error']['message']}")
        return told["result"]

    async def page(self, width=1280, height=900):
        """A new tab with cookies of its own."""
        context = (await self.send("Target.createBrowserContext"))["browserContextId"]
        target = await self.send("Target.createTarget", url="about:blank", browserContextId=context)
        session = await self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = Page(self, session["sessionId"])
        self.pages[session["sessionId"]] = page
        for domain in ("Page", "Runtime", "Log", "Network"):
            await page.send(f"{domain}.enable")
        await page.resize(width, height)
        return page


class Page:
    """One tab: what a person does with mouse and keys, and what they see."""

    def __init__(self, browser, session):
        self._browser = browser
        self._session = session
        self.complaints = []
        self.requests = []

    def hear(self, told):
        """What the page's console would show in red, dialogs that opened, and every address that it asked for."""
        params = told["params"]
        if told["method"] == "Runtime.exceptionThrown":
            self.complaints.append(params["exceptionDetails"].get("exception", {}).get("description", "exception"))
        elif told["method"] == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif told["method"] == "Page.javascriptDialogOpening":
            self.complaints.append(f"dialog: {params['message']}")
        elif told["method"] == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])

    async def send(self, method, **params):
        return await self._browser.send(method, self._session, **params)

    async def resize(self, width, height):
        await self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    async def go(self, url):
        await self.send("Page.navigate", url=url)
        await self.until("document.readyState === 'complete'")

    async def ask(self, expression):
        """The value of an expression in the page."""
        told = await self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in told:
            raise BrowserError(told["exceptionDetails"].get("exception", {}).get("description", "exception"))
        return told["result"].get("value")

    async def until(self, expression, seconds=10.0):
        """Wait until it holds; gives the seconds that it took. Raises TimeoutError."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(seconds):
                while True:
                    with suppress(BrowserError):  # the page may be on its way to another one
                        if await self.ask(f"Boolean({expression})"):
                            return time.monotonic() - began
                    await asyncio.sleep(0.02)
        except TimeoutError:
            seen = await self.ask("document.body.innerText")
            raise TimeoutError(f"never so: {expression}\nThe page shows:\n{seen}\n{self.complaints}") from None

    async def text(self, selector="body"):
        return await self.ask(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    async def sees(self, selector, words, seconds=10.0):
        where = f"document.querySelector({json.dumps(selector)})?.innerText.toLowerCase()"
        return await self.until(f"{where}.includes({json.dumps(words.lower())})", seconds)

    async def click(self, selector):
        """With the mouse, in the middle of it."""
        found = f"document.querySelector({json.dumps(selector)})"
        await self.until(f"{found} && !{found}.disabled && {found}.getClientRects().length")
        box = before = None
        while box is None or box != before:  # a page that still moves is clicked beside the button
            await self.ask(f"{found}.scrollIntoView({{block: 'center'}})")
            box, before = json.loads(await self.ask(f"JSON.stringify({found}.getBoundingClientRect())")), box
            await asyncio.sleep(0.05)
        where = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        for kind in ("mousePressed", "mouseReleased"):
            await self.send("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **where)

    async def write(self, selector, text):
        """Into an empty field."""
        await self.ask(f"document.querySelector({json.dumps(selector)}).focus()")
        await self.send("Input.insertText", text=text)

    async def press(self, key):
        code, text = _KEYS[key] if key in _KEYS else (ord(key.upper()), key)
        names = {"key": key, "windowsVirtualKeyCode": code, **({"text": text} if text else {})}
        await self.send("Input.dispatchKeyEvent", type="keyDown", **names)
        await self.send("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    async def picture(self):
        """The whole page, as the bytes of a PNG."""
        size = (await self.send("Page.getLayoutMetrics"))["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        told = await self.send("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        return base64.b64decode(told["data"])
