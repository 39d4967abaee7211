"""The desk's page in a real browser, a gateway at the other end of the wire, and mosquitto between them."""

import os
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from desk_gateway import PRESSURE, Gateway, connected, new_id, until, working

from edge_agent.core import block
from edge_agent.core.reading import Channel, ChannelKind, Reading
from edge_agent.core.wire import pack
from simulators.broker import Broker
from simulators.desk.desk import Desk
from simulators.desk.policy import Policy
from simulators.desk.web.door import Door
from simulators.desk.web.server import Page
from tests.browser import Browser, needs_chromium

pytestmark = needs_chromium
TOKEN = "a-token-of-sixteen"
SENTENCE = "Boiler pressure is 0.75 bar; it should be at least 0.8 bar."
BY_HAND = Policy(by_hand=True, effort_after_s=None)
PICTURES = os.environ.get("PICTURES")


@pytest.fixture
async def browser():
    async with Browser() as browser:
        yield browser


@asynccontextmanager
async def scene(policy=BY_HAND, **gateway):
    async with (
        Broker.find("mosquitto") as broker,
        working(Desk(broker.host, broker.port, policy=policy)) as desk,
        Page(desk, Door(TOKEN), "127.0.0.1", 0) as page,
        connected(Gateway(broker.port, public=desk.key.public, **gateway)) as there,
    ):
        yield desk, page, there
        await broker.kill()


async def logged_in(browser, served, width=1280, height=900):
    page = await browser.page(width, height)
    await page.go(f"http://127.0.0.1:{served.port}/login#{TOKEN}")
    await page.write("#name", "first line")
    await page.click("button[type=submit]")
    await page.until("document.querySelector('#me')?.textContent === 'first line'")
    return page


async def press(gateway, request=None, **data):
    """As an agent of today says it (docs/wire.md)."""
    request = request or new_id()
    found = [{"channel": "boiler.pressure", "kind": "range", "sentence": SENTENCE}]
    told = {
        "site": "12 Mill Lane",
        "product": "heating and power",
        "location": "cupboard under the stairs",
        "contact": "ring the door bell first",
        "language": "en",
        "agent": "0.1.0",
        "power": "mains",
        "consent": ["diagnostics", "effort", "findings", "help_ready", "telemetry"],
        "findings": found,
        "tried": [
            {"what": "test", "how": "passed", "ago_s": 40120},
            {"what": "restart serial:boiler", "how": "3 times"},
        ],
        "trigger": "manual",
        "pressed_age_s": 5.0,
    }
    await gateway.help("raised", request, request, **told | data)
    return request


async def history(gateway):
    """Minutes of readings before a press: the pressure falls, the burner goes out."""
    burner = Channel("boiler.burner", "", ChannelKind.STATE)
    readings = [Reading(PRESSURE, round(1.3 - 0.55 * max(0, n - 60) / 120, 2), n * 5.0 - 900.0) for n in range(180)]
    readings += [Reading(burner, n < 150, n * 5.0 - 900.0) for n in range(180)]
    await gateway.publish(
        "telemetry", block.pack(readings, 0.0), gateway.attributes("edge.telemetry.block.v1", sequence=1)
    )


async def test_a_whole_case_from_the_press_to_the_question_how_easy_it_was(browser):
    async with scene() as (_, served, gateway):
        page = await logged_in(browser, served)
        await page.sees("#quiet", "Nobody waits")
        await history(gateway)
        began = time.monotonic()
        request = await press(gateway)
        await page.until("document.querySelector('#open .row.new')")
        assert time.monotonic() - began < 2.0, "within a second, and one more for a busy machine"
        assert "12 Mill Lane" in await page.text("#open")
        assert await page.ask("document.title") == "(1) Service desk"

        await page.click("#open .row")
        await page.sees("#head", "SD-00001")
        await page.until("document.querySelector('#readings path.trace.suspect')?.getTotalLength() > 100")
        assert "0.75 bar at the press" in await page.text("#readings")
        assert SENTENCE in await page.text("#found")
        assert "test: passed, 11 h before the request" in await page.text("#found")
        assert "restart serial:boiler: 3 times" in await page.text("#found")
        assert "ring the door bell first" in await page.text("#known")

        await page.press("a")
        await until(lambda: gateway.types == ["received"])
        assert (gateway.heard[0]["event"], gateway.heard[0]["receiver"]) == (request, "first line")
        await page.click('[data-id="engage"]')
        await until(lambda: gateway.types[1:] == ["engaged"])
        assert gateway.heard[1]["helper"] == "first line"

        await page.press("q")
        await page.write("#ask-text", "Is the burner running?")
        await page.click("#form-ask button.main")
        await until(lambda: gateway.types[2:] == ["question"])
        asked = gateway.heard[2]
        assert (asked["text"], asked["kind"], asked["options"], asked["expires_s"]) == (
            *("Is the burner running?", "yes_no", []),
            300,
        )
        await page.sees(".questions .waits", "waits for the answer")
        await gateway.help("answered", request, question=asked["question"], answer="no", by="button")
        assert await page.sees(".questions .answered", "no (button)") < 2.0
        await gateway.help("said", request, text="Water drips from the valve.")
        await page.sees("#talk", "Water drips from the valve.")
        await page.until("document.querySelector('#open .mark.wrote')")

        await page.click("#tab-say")
        await page.write("#say-text", "Please close the valve under the tank.")
        await page.click("#form-say button.main")
        await page.sees(".talk .we.said:last-child", "Please close the valve")
        await page.click("#tab-progress")
        await page.write("#progress-text", "A fitter calls you back.")
        await page.click("#form-progress button.main")
        await until(lambda: "progress" in gateway.types)
        promise = next(body for body in gateway.heard if body["type"] == "edge.help.progress.v1")
        assert 590 < promise["next_word_wall"] - time.time() < 610
        await page.sees(".promise", "in 10 min")
        seen = "document.querySelector('#talk .talk')"
        await page.until(f"{seen}.scrollTop + {seen}.clientHeight >= {seen}.scrollHeight - 2", 2)
        if PICTURES:
            await take(page, gateway)
        await page.click("#tab-resolve")
        await page.click("#form-resolve button.main")
        await until(lambda: "resolved" in gateway.types)
        await page.sees("#over", "first line")

        await page.click('[data-id="effort"]')
        await until(lambda: gateway.heard[-1].get("purpose") == "effort")
        await gateway.help("answered", request, question=gateway.heard[-1]["question"], answer="5", by="page")
        await page.sees("#over", "ease 5 of 5")
        assert page.complaints == []
        assert {url.split("/")[2] for url in page.requests} == {f"127.0.0.1:{served.port}"}


async def take(page, gateway):
    """Pictures for docs/desk.md: PICTURES=docs pytest tests/edges/desk/test_page_browser.py."""
    code, gateway.code = gateway.code, "QREKQQDG"
    van = await press(gateway, site="Camper 7", product="vehicle", findings=[], tried=[])
    gateway.code = "T8UXEKDE"
    water = "Water on the floor of the cellar."
    await press(gateway, site="3 Orchard Row", trigger="automatic", rule="flood", findings=[{"sentence": water}])
    await gateway.help("nudged", van, urgent=True, count=1)
    gateway.code = code
    await page.sees("#open", "urgent")
    for width, height in ((1280, 900), (390, 844)):
        await page.resize(width, height)
        (Path(PICTURES) / f"desk-{width}.png").write_bytes(await page.picture())
    await page.click(".back")
    (Path(PICTURES) / "desk-390-queue.png").write_bytes(await page.picture())
    await page.resize(1280, 900)
    await page.click("#open .row.in-hand")


async def test_what_a_hostile_gateway_writes_is_shown_as_text_and_never_run(browser):
    tag = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'><svg onload=alert(3)>"
    texts = {name: f"{name} {tag}" for name in ("site", "product", "location", "contact", "language", "agent", "power")}
    async with scene(policy=Policy(0.0, None, None, effort_after_s=None)) as (desk, served, gateway):
        page = await logged_in(browser, served)
        gateway.code = tag
        found = [{"channel": tag, "kind": tag, "sentence": f"finding {tag}"}]
        await gateway.publish(
            "telemetry",
            block.pack([Reading(Channel(tag, tag), float(n), float(n)) for n in range(5)], 0.0),
            gateway.attributes("edge.telemetry.block.v1", sequence=1),
        )
        hostile = {**texts, "findings": found, "tried": [f"tried {tag}"], "consent": [tag], "rule": f"rule {tag}"}
        request = await press(gateway, trigger=tag[:20], **hostile)
        await gateway.help("said", request, text=f"said {tag}")
        await gateway.help("answered", request, question=tag, answer=f"answer {tag}", by=tag)
        await gateway.help("triggered", request, rule=tag, text=f"triggered {tag}")
        await gateway.help(tag[:30], request)
        evidence = gateway.attributes("edge.finding.evidence.v1", subject=tag)
        log = {"request": request, "case": tag, "part": tag, "lines": [f"log {tag}"]}
        await gateway.publish("finding", pack(log), evidence)
        await until(lambda: desk.events_received == 7 and desk.cases)
        await page.click(".queue .row")
        for where, words in [("#talk", "said"), ("#known", "site"), ("#found", "finding"), ("#found", "tried")]:
            await page.sees(where, f"{words} {tag}")
        await page.sees("#readings", tag)
        await page.ask("document.querySelectorAll('details').forEach((each) => each.open = true)")
        await page.sees("#proof", f"log {tag}")
        assert await page.ask("document.querySelectorAll('main img, nav img, main script, main [onload]').length") == 0
        assert page.complaints == []


async def test_nobody_comes_in_with_the_wrong_token_and_a_helpers_name_is_needed(browser):
    async with scene() as (_, served, _gateway):
        page = await browser.page()
        await page.go(f"http://127.0.0.1:{served.port}/")
        await page.until("location.pathname === '/login'")
        await page.write("#name", "first line")
        await page.write("#token", "not the token")
        await page.click("button[type=submit]")
        await page.sees("#wrong", "That is not the token")
        assert await page.ask("fetch('/api/queue').then((answer) => answer.status)") == 401
        assert await page.ask("location.pathname") == "/login"


async def test_the_queue_says_in_words_what_is_most_urgent_and_keys_walk_through_it(browser):
    async with scene() as (desk, served, gateway):
        page = await logged_in(browser, served)
        calm = await press(gateway, site="Calm House")
        await until(lambda: len(desk.cases) == 1)
        desk.hand.engage(1, time.time(), "first line")
        await press(gateway, site="New House")
        await gateway.help("nudged", calm, urgent=True, count=1)
        await page.sees("#open", "urgent")
        order = "[...document.querySelectorAll('#open .site')].map((each) => each.textContent).join()"
        await page.until(f"{order} === 'Calm House,New House'")
        assert "same code as another case: SD-00002" in await page.text("#open")
        await page.press("j")
        await page.sees("#head", "Calm House")
        await page.press("j")
        await page.sees("#head", "Another case has the same code")
        await page.press("m")
        await page.send("Input.insertText", text="Are you there?")
        await page.press("Escape")
        await page.press("e")
        await until(lambda: {"received", "engaged"} <= set(gateway.types))
        await page.press("h")
        await page.send("Input.insertText", text="the fitter")
        await page.press("Enter")
        await until(lambda: gateway.heard[-1].get("helper") == "the fitter")
        await page.sees("#head", "In hand: the fitter")
        assert await page.ask("document.querySelector('#say-text').value") == "Are you there?"
        for _ in range(2):  # out of the field, and back to the queue
            await page.press("Escape")
        await page.until("!document.body.classList.contains('in-case')")
        assert page.complaints == []


async def test_every_field_and_button_has_a_name_for_those_who_cannot_see_it(browser):
    nameless = """[...document.querySelectorAll('input, textarea, select, button')].filter((one) =>
      !(one.labels?.length || one.textContent.trim() || one.getAttribute('aria-label'))).map((one) => one.outerHTML)"""
    wide = "document.documentElement.scrollWidth <= window.innerWidth"
    async with scene() as (_, served, gateway):
        page = await logged_in(browser, served, 390, 844)
        await history(gateway)
        await press(gateway, site="A very long name of a place " * 6)
        await page.click(".queue .row")
        await page.sees("#head", "A very long name")
        assert await page.ask(nameless) == []
        assert await page.ask(wide), "nothing stands out at phone width"
        await page.click(".back")
        assert await page.ask(wide)
        assert await page.ask("document.querySelector('#open .row').getClientRects().length") == 1


async def test_two_pages_of_two_desks_show_the_same_case(browser, tmp_path):
    path = str(tmp_path / "desk.sqlite")
    async with Broker.find("mosquitto") as broker:
        first = Desk(broker.host, broker.port, db=path, policy=BY_HAND)
        second = Desk(broker.host, broker.port, db=path, policy=BY_HAND, key=first.key)
        async with (
            working(first),
            working(second),
            Page(first, Door(TOKEN), "127.0.0.1", 0) as one,
            Page(second, Door(TOKEN), "127.0.0.1", 0) as two,
            connected(Gateway(broker.port, public=first.key.public)) as gateway,
        ):
            pages = [await logged_in(browser, served) for served in (one, two)]
            await press(gateway)
            for page in pages:
                await page.click("#open .row")
            await pages[0].click('[data-id="receive"]')
            await until(lambda: gateway.types == ["received"])
            await pages[1].sees("#head", "Acknowledged, nobody works on it", 2.0)
            await pages[1].click('[data-id="engage"]')
            await pages[0].sees("#head", "In hand: first line", 2.0)
            assert [page.complaints for page in pages] == [[], []]
        await broker.kill()
