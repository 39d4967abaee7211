"""The whole of it: a button on the board, the agent, and a person at the desk's page in a real browser."""

from stage import QUICK_HELP, edge_agent, in_order, staged, until

from simulators.desk.policy import Policy
from simulators.desk.web.door import Door
from simulators.desk.web.server import Page
from tests.browser import Browser, needs_chromium

TOKEN = "a-token-of-sixteen"


@needs_chromium
async def test_a_person_at_the_page_lights_the_lamp_asks_hears_the_answer_and_ends_the_case():
    policy = Policy(by_hand=True)
    async with (
        staged(policy=policy, help_timers=QUICK_HELP, transports=("serial",)) as stage,
        Page(stage.desk, Door(TOKEN), "127.0.0.1", 0) as served,
        Browser() as browser,
    ):
        page = await browser.page()
        await page.go(f"http://127.0.0.1:{served.port}/login#{TOKEN}")
        await page.write("#name", "first line")
        await page.click("button[type=submit]")
        await page.sees("#quiet", "Nobody waits")
        # some readings must be there before the press
        await until(lambda: stage.desk.readings_received > 20, 20)

        await stage.press()
        await until(lambda: bool(stage.desk.cases))
        assert await page.until("document.querySelector('#open .row.new')") < 2.0
        await page.click("#open .row")
        await page.sees("#found", "What the gateway found")
        await page.until("document.querySelectorAll('#readings path.trace').length > 0")
        assert "received" not in stage.lamp(), "nobody has acknowledged it"

        await page.press("a")
        assert (await stage.until_state("RECEIVED")).case.reference == "SD-00001"
        await until(lambda: stage.lamp()[-1:] == ["received"], 5)
        await page.click('[data-id="engage"]')
        await until(lambda: stage.lamp()[-1:] == ["engaged"], 5)

        await page.press("q")
        await page.write("#ask-text", "Is everybody well?")
        await page.click("#form-ask button.main")
        await page.sees("#talk", "Is everybody well?")
        await answer(stage)
        await page.sees(".questions .answered", "yes")

        await page.click("#tab-resolve")
        await page.click("#form-resolve button.main")
        await stage.until_state("RESOLVED")
        await page.sees("#open-title", "Open (0)")
        assert in_order(["hold", "received", "engaged"], stage.lamp()), stage.lamp()
        assert page.complaints == []


async def answer(stage):
    """As somebody in the house does: one press, and two seconds of quiet."""
    await until(stage_has_question(stage))
    await stage.press(0.15)


def stage_has_question(stage):
    async def asked():
        return bool((await stage.help()).case.question)

    return asked


async def test_a_household_that_agreed_is_asked_after_the_end_and_answers_at_its_console():
    policy = Policy(0.1, 0.2, 0.5, effort_after_s=1.0)
    async with staged(policy=policy, help_timers=QUICK_HELP, transports=("serial",)) as stage:
        await stage.press()
        await stage.until_state("RESOLVED")

        async def asked():
            return bool((await stage.help()).case.effort)

        await until(asked)
        code, out, error = await edge_agent("help", "answer", "4", "--socket", str(stage.agent.socket))
        assert (code, error) == (0, ""), out
        await until(lambda: stage.case().effort == "4")
