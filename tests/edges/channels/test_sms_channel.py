"""SMS through a modem on a pseudo-terminal: its moods, told in plain words, and the desk's word coming back."""

import asyncio
from dataclasses import replace

import pytest
from channels_scene import DESK, GATEWAY, NOW, PEOPLE, compact, raised, running, sms_channel, until

from edge_agent.core.compact import call_of
from edge_agent.core.errors import LinkError
from edge_agent.core.sms import Sms
from edge_agent.uplink.channels import modem as modem_room
from edge_agent.uplink.channels import sms as sms_room
from simulators.modem.modem import PLACES, SimulatedModem

WORD = bytes((0x10,)) + bytes(99)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """The modem is looked at more often, and given up sooner."""
    monkeypatch.setattr(sms_room, "LOOK_SOON_S", 0.2)
    monkeypatch.setattr(sms_room, "READY_S", 4.0)
    monkeypatch.setattr(modem_room, "PROMPT_S", 1.0)
    monkeypatch.setattr(modem_room, "SEND_S", 1.0)
    monkeypatch.setattr(modem_room, "COMMAND_S", 2.0)


@pytest.fixture
async def modem(tmp_path):
    async with SimulatedModem(tmp_path / "modem") as simulated:
        yield simulated


async def test_the_compact_form_goes_out_as_data_and_people_get_a_line_once(modem, tmp_path):
    channel = sms_channel(modem.path, tmp_path, text_number=PEOPLE)
    async with running(channel):
        assert await channel.send(raised(), compact()) is None
        await channel.send(raised(), compact())
    assert modem.sent == [
        Sms(DESK, data=compact()),
        Sms(PEOPLE, text="HELP XC5WNMX9 12 Mill Lane"),
        Sms(DESK, data=compact()),
    ]
    assert channel.health.ready
    assert channel.health.sentence == "the modem is registered, signal 18 of 31"


async def test_people_are_told_when_the_call_is_taken_back_and_by_no_second_call_for_help(modem, tmp_path):
    back = replace(raised(), id=b"c" * 16, type="edge.help.cancelled.v1")
    channel = sms_channel(modem.path, tmp_path, text_number=PEOPLE)
    async with running(channel):
        await channel.send(back, call_of(back, GATEWAY, NOW).pack())
    assert modem.sent[1] == Sms(PEOPLE, text="CANCELLED XC5WNMX9 12 Mill Lane")


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("chatty", [False, True])
async def test_the_desks_word_is_heard_and_taken_off_the_card(modem, tmp_path, direct, chatty):
    heard = []
    modem.direct, modem.chatty = direct, chatty
    channel = sms_channel(modem.path, tmp_path, heard=heard.append)
    async with running(channel):
        await until(lambda: channel.health.ready)
        modem.receive(Sms(DESK, data=WORD))
        await until(lambda: heard)
        await channel.send(raised(), compact())
    assert heard == [WORD]
    assert not modem.card
    assert modem.sent[-1].data == compact()


async def test_what_came_while_nobody_listened_is_found_and_a_full_card_is_emptied(modem, tmp_path):
    heard = []
    for _ in range(PLACES):
        modem.receive(Sms("12345", text="Your bill is ready."))
    modem.receive(Sms(DESK, data=WORD))
    modem.receive(Sms("999", data=b"\xff\xfe"))
    async with running(sms_channel(modem.path, tmp_path, heard=heard.append)):
        await until(lambda: heard)
        await until(lambda: not modem.card)
    assert heard == [WORD]


@pytest.mark.parametrize(
    ("mood", "said"),
    [
        ({"registered": 2}, "the modem has no network: it is looking for one"),
        ({"registered": 3}, "the modem has no network: the operator does not let this SIM card in"),
        ({"sim": False}, "there is no SIM card in it"),
        ({"deaf": True}, "nobody answers there as a modem does"),
    ],
)
async def test_what_is_wrong_is_told_in_plain_words(modem, tmp_path, mood, said):
    for name, value in mood.items():
        setattr(modem, name, value)
    channel = sms_channel(modem.path, tmp_path)
    async with running(channel):
        await until(lambda: said in channel.health.sentence)
        assert not channel.health.ready
        with pytest.raises(LinkError, match=said.split(":")[0]):
            await channel.send(raised(), compact())
    assert modem.sent == []


async def test_a_modem_that_finds_its_network_is_ready_at_once(modem, tmp_path):
    modem.registered = 2
    channel = sms_channel(modem.path, tmp_path)
    async with running(channel):
        await until(lambda: "looking" in channel.health.sentence)
        modem.registered = 5
        await until(lambda: channel.health.ready)
    assert channel.health.sentence == "the modem is registered abroad, signal 18 of 31"


async def test_a_modem_that_knows_only_lte_is_registered_too(modem, tmp_path):
    modem.lte_only, modem.signal = True, 99
    channel = sms_channel(modem.path, tmp_path)
    async with running(channel):
        await until(lambda: channel.health.ready)
    assert channel.health.sentence == "the modem is registered"


async def test_errors_of_the_network_are_told_and_people_get_their_line_all_the_same(modem, tmp_path):
    modem.refuse = 69
    channel = sms_channel(modem.path, tmp_path, text_number=PEOPLE)
    async with running(channel):
        with pytest.raises(LinkError, match="does not carry this kind of message"):
            await channel.send(raised(), compact())
        modem.refuse = 0
        await channel.send(raised(), compact())
    assert [bool(sms.text) for sms in modem.sent] == [False, True]


async def test_a_slow_prompt_is_waited_for(modem, tmp_path):
    modem.prompt_delay_s = 0.6
    channel = sms_channel(modem.path, tmp_path)
    async with running(channel):
        await channel.send(raised(), compact())
    assert len(modem.sent) == 1


async def test_no_prompt_and_no_answer_are_failures_and_the_next_try_starts_anew(modem, tmp_path):
    channel = sms_channel(modem.path, tmp_path)
    async with running(channel):
        await until(lambda: channel.health.ready)
        modem.prompt_delay_s = 3.0
        with pytest.raises(LinkError, match="did not answer"):
            await channel.send(raised(), compact())
        modem.prompt_delay_s = 0.0
        modem.lost_answers = 1
        await until(channel._ready.is_set)
        with pytest.raises(LinkError, match="did not answer"):
            await channel.send(raised(), compact())
        assert len(modem.sent) == 1, "it went out, and nobody said so"
        await until(channel._ready.is_set)
        await channel.send(raised(), compact())
    assert len(modem.sent) == 2


async def test_a_modem_is_unplugged_in_the_middle_and_comes_back(modem, tmp_path):
    channel = sms_channel(modem.path, tmp_path)
    async with running(channel):
        await until(lambda: channel.health.ready)
        modem.send_s = 5.0
        sending = asyncio.create_task(channel.send(raised(), compact()))
        await until(lambda: any("CMGS" in command for command in modem.commands))
        modem.unplug()
        with pytest.raises(LinkError, match="unplugged"):
            await sending
        await until(lambda: not channel.health.ready)
        modem.send_s = 0.0
        modem.plug()
        await until(lambda: channel.health.ready)
        await channel.send(raised(), compact())
    assert modem.sent[-1].data == compact()


async def test_no_port_is_a_state_with_a_fix(tmp_path):
    channel = sms_channel(tmp_path / "nothing", tmp_path)
    async with running(channel):
        await until(lambda: "is not there" in channel.health.sentence)
    assert "Plug it in" in channel.health.fix


async def test_a_call_that_is_called_off_leaves_the_modem_whole(modem, tmp_path):
    channel = sms_channel(modem.path, tmp_path)
    async with running(channel):
        await until(lambda: channel.health.ready)
        modem.send_s = 0.3
        sending = asyncio.create_task(channel.send(raised(), compact()))
        await until(lambda: any("CMGS" in command for command in modem.commands))
        sending.cancel()
        await until(lambda: len(modem.sent) == 1)
        await channel.send(raised(), compact())
    assert len(modem.sent) == 2


# -- PIN


async def pin_scene(tmp_path, written, right="4711"):
    (tmp_path / "pin").write_text(written)
    return SimulatedModem(tmp_path / "modem", pin=right), sms_channel(
        tmp_path / "modem", tmp_path, pin_file=str(tmp_path / "pin")
    )


async def test_the_pin_is_entered(tmp_path):
    modem, channel = await pin_scene(tmp_path, "4711\n")
    async with modem, running(channel):
        await channel.send(raised(), compact())
    assert modem.tries == 3


async def test_a_wrong_pin_is_tried_once_and_not_again_after_a_restart_until_the_file_changes(tmp_path):
    modem, channel = await pin_scene(tmp_path, "0000")
    async with modem:
        async with running(channel):
            await until(lambda: "refused the PIN" in channel.health.sentence)
            modem.unplug()
            modem.plug()
            await until(lambda: "not tried again" in channel.health.sentence)
        again = sms_channel(modem.path, tmp_path, pin_file=str(tmp_path / "pin"))
        async with running(again):
            await until(lambda: "not tried again" in again.health.sentence)
            assert modem.tries == 2
            assert "0000" not in again.health.sentence + again.health.fix
            (tmp_path / "pin").write_text("4711")
            await until(lambda: again.health.ready)


@pytest.mark.parametrize(("written", "said"), [("", "there is no PIN"), ("47a1", "there is no PIN"), ("123", "no PIN")])
async def test_a_file_without_a_pin_never_reaches_the_card(tmp_path, written, said):
    modem, channel = await pin_scene(tmp_path, written)
    async with modem, running(channel):
        await until(lambda: said in channel.health.sentence)
    assert modem.tries == 3


async def test_a_card_that_wants_a_pin_or_is_blocked_says_so(tmp_path):
    async with SimulatedModem(tmp_path / "modem", pin="4711") as modem:
        channel = sms_channel(modem.path, tmp_path)
        async with running(channel):
            await until(lambda: channel.health.sentence == "the SIM card wants its PIN")
            assert "pin_file" in channel.health.fix
            modem.tries = 0
            await until(lambda: "SIM PUK" in channel.health.sentence)
