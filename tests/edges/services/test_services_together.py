"""Channels of one device that are unusual at the same time are one finding that says which."""

import random

import pytest
from findings_scene import Flat, check

from edge_agent.services.together import LOOK_S, Together, combined
from edge_agent.texts import languages, texts

DEVICE = ("pump.power", "pump.flow", "pump.pressure", "pump.noise")
LEARNED = [check(name, "learned") for name in (*DEVICE, "meter.power")]


class Loud:
    """A learned check that is as surprised as it is told to be."""

    def __init__(self, channel: str) -> None:
        self.channel, self.says = channel, 0.0
        self.learner = type("L", (), {"threshold": 7.0})

    def surprise(self, _now: float) -> float:
        return self.says


@pytest.fixture
def scene(tmp_path):
    flat = Flat(tmp_path)
    checks = {f"{name}:learned": Loud(name) for name in (*DEVICE, "meter.power")}
    together = Together(flat, flat.new_id, flat.register, texts("en"), checks)
    return flat, checks, together


def look(scene, seconds=LOOK_S, **says):
    flat, checks, together = scene
    for name, decades in says.items():
        checks[f"pump.{name}:learned"].says = decades
    for _ in range(round(seconds / LOOK_S)):
        flat.at += LOOK_S
        together.tick(flat.at)
    return flat


def test_none_of_them_is_loud_enough_and_together_they_are(scene):
    assert look(scene, power=5.0).told == []
    assert look(scene, flow=4.0).told == [], "four channels must say more than one"
    (found,) = look(scene, pressure=2.5).told
    assert found.key == "pump:together"
    assert found.sentence.startswith("Pump power, Pump flow, Pump pressure are unusual at the same time;")
    assert "noise" not in found.sentence


def test_it_stands_for_an_hour_after_and_is_over(scene):
    look(scene, power=6.0, flow=6.0)
    flat = look(scene, 3000.0, power=0.0, flow=0.0)
    assert [f.stands for f in flat.told] == [True]
    look(scene, 1000.0)
    assert [f.stands for f in flat.told] == [True, False]


def test_another_devices_channel_adds_nothing(scene):
    scene[1]["meter.power:learned"].says = 50.0
    assert look(scene, power=6.9).told == []


def test_what_stands_of_one_channel_is_explained_by_it(tmp_path):
    flat = Flat(tmp_path, *LEARNED)
    rng = random.Random(4)
    for n in range(600):
        flat.at += 300.0
        for name in (*DEVICE, "meter.power"):
            flat.say(name, 10.0 + rng.random() if n < 592 or name == "meter.power" else 40.0)
    assert any(key.startswith("pump.") for key in flat.standing)
    together = Together(flat, flat.new_id, flat.register, texts("en"), flat.lessons.checks)
    flat.at += LOOK_S
    together.tick(flat.at)
    assert flat.standing == ["pump:together"]
    assert {f.cause for f in flat.register.findings() if f.stands and f.kind == "learned"} == {"pump:together"}


def test_a_sum_of_more_must_be_more():
    needed = [combined(7.0, n) for n in range(1, 50)]
    assert needed[0] == pytest.approx(7.0)
    assert needed == sorted(needed)
    assert needed[9] < 70.0, "and less than each for itself"


def test_chance_alone_passes_the_sum_as_rarely_as_one_passes_its_own_threshold():
    rng = random.Random(1)
    draws, channels, threshold = 200_000, 4, 2.0
    loud = sum(
        sum(-rng.expovariate(1.0) for _ in range(channels)) / -2.302585 >= combined(threshold, channels)
        for _ in range(draws)
    )
    assert 0.7 * draws * 0.01 < loud < 1.3 * draws * 0.01


@pytest.mark.parametrize("language", languages())
def test_it_is_told_in_every_language(language, scene):
    flat, checks, _ = scene
    together = Together(flat, flat.new_id, flat.register, texts(language), checks)
    look((flat, checks, together), power=9.0, flow=9.0)
    names = {"en": "Pump power, Pump flow are", "de": "Leistung (Pump), Durchfluss (Pump) sind"}
    assert flat.told[0].sentence.startswith(names.get(language, "Potencia (Pump), Caudal (Pump) son"))
    assert "1\u202f000\u202f000" in flat.told[0].sentence
