import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.models import KINDS, make, options_of
from simulators.physics import Drift, Physics, quantise
from simulators.scenario import load_scenario, scenario_names

HOUR_S = 3600.0
# Physical bounds that no fault may leave.
BOUNDS = {
    "pressure_bar": (0.0, 3.0), "flow_c": (10.0, 90.0), "return_c": (5.0, 90.0), "modulation_pct": (0, 100),
    "temperature_c": (-30.0, 45.0), "humidity_pct": (0.0, 100.0), "battery_pct": (1, 100),
    "power_import_kw": (0.0, 12.0),
    "voltage_v": (11.0, 250.0), "current_a": (-80.0, 80.0), "soc_pct": (0.0, 100.0),
    "rpm": (0, 6000), "speed_kmh": (0, 200), "load_pct": (0, 100), "coolant_c": (10.0, 130.0),
    "latitude": (-90.0, 90.0), "longitude": (-180.0, 180.0), "course_deg": (0.0, 359.99), "speed_knots": (0.0, 80.0),
    "altitude_m": (-100.0, 500.0), "fault_code": (0, 133),
}  # fmt: skip
TEXTS = {"codes"}


def check(values) -> None:
    for key, value in values.items():
        if key not in TEXTS:
            low, high = BOUNDS.get(key, (-math.inf, math.inf))
            assert low <= value <= high, (key, value)


def boiler(**options):
    return Physics({"boiler": make("boiler", Random(1), options)})


@pytest.mark.parametrize("name", scenario_names())
@given(seed=st.integers(0, 2**32))
@settings(max_examples=5, deadline=None)
def test_all_values_stay_in_physical_bounds_through_a_whole_scenario(name, seed):
    scenario = load_scenario(name)
    physics = scenario.physics(seed)
    for _ in range(30):
        physics.advance(120.0)
        for model in physics.models.values():
            check(model.values())


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("broken", [False, True])
def test_each_model_stays_in_bounds_for_ten_hours_with_all_its_faults_at_once(kind, broken):
    physics = Physics({"x": make(kind, Random(5), {})})
    for fault in sorted(KINDS[kind].FAULTS) if broken else ():
        physics.plan(600.0, "x", fault)
    for _ in range(10):
        physics.advance(HOUR_S)
        check(physics.models["x"].values())


@given(st.lists(st.floats(0.05, 60.0), max_size=6))
@settings(deadline=None, max_examples=15)
def test_the_course_of_a_seed_does_not_depend_on_how_time_is_cut(pieces):
    cut, whole = load_scenario("home").physics(9), load_scenario("home").physics(9)
    for piece in pieces:
        cut.advance(piece)
    while whole.at_s < cut.at_s:
        whole.advance(1.0)
    assert {n: dict(m.values()) for n, m in cut.models.items()} == {
        n: dict(m.values()) for n, m in whole.models.items()
    }


def test_another_seed_gives_another_course():
    one, two = load_scenario("home").physics(1), load_scenario("home").physics(2)
    one.advance(600.0)
    two.advance(600.0)
    assert one.value("kitchen.temperature_c") != two.value("kitchen.temperature_c")


def test_a_boiler_keeps_its_pressure_until_the_leak_begins_and_then_locks_out():
    physics = boiler(leak_bar_per_h=4.0)
    physics.plan(HOUR_S, "boiler", "leak")
    physics.advance(HOUR_S - 1)
    assert 1.3 < physics.value("boiler.pressure_bar") < 1.7
    assert physics.value("boiler.fault_code") == 0
    physics.advance(900.0)
    assert 0.3 < physics.value("boiler.pressure_bar") < 0.9
    physics.advance(1800.0)
    assert physics.value("boiler.pressure_bar") == 0.0
    assert physics.value("boiler.fault_code") == 118
    assert physics.value("boiler.burner") is False


def test_a_boiler_cycles_and_its_stuck_sensor_does_not_move():
    physics = boiler()
    seen = set()
    for _ in range(120):
        physics.advance(60.0)
        seen.add(physics.value("boiler.burner"))
    assert seen == {True, False}
    assert physics.value("boiler.starts") >= 3
    physics.plan(0.0, "boiler", "stuck_sensor")
    physics.advance(1.0)
    stuck = physics.value("boiler.flow_c")
    physics.advance(300.0)
    assert physics.value("boiler.flow_c") == stuck


def test_counters_of_a_meter_only_rise():
    physics = Physics({"meter": make("meter", Random(3), {})})
    before = (0.0, 0.0)
    for _ in range(50):
        physics.advance(60.0)
        now = (physics.value("meter.import_1_kwh"), physics.value("meter.gas_m3"))
        assert now[0] >= before[0]
        assert now[1] >= before[1]
        before = now


def test_a_freezer_left_ajar_warms_and_a_healthy_one_does_not():
    physics = Physics({"a": make("freezer", Random(1), {}), "b": make("freezer", Random(1), {})})
    physics.plan(10.0, "a", "door_ajar")
    physics.advance(1200.0)
    assert physics.value("a.temperature_c") > -12.0
    assert physics.value("b.temperature_c") < -16.5


def test_a_van_without_alternator_drains_its_battery_and_with_one_charges_it():
    options = {"mean_drive_s": 1e9, "soc_pct": 60.0}
    physics = Physics({"a": make("van", Random(1), options), "b": make("van", Random(1), options)})
    physics.plan(0.0, "a", "alternator")
    physics.advance(HOUR_S)
    assert physics.value("a.soc_pct") < 60.0 < physics.value("b.soc_pct")
    assert physics.value("a.voltage_v") < 12.7
    assert physics.value("b.voltage_v") > 14.0


def test_a_contact_without_chance_changes_only_by_its_fault():
    physics = Physics({"floor": make("contact", Random(1), {"mean_off_s": 0.0})})
    physics.advance(HOUR_S)
    assert physics.value("floor.active") is False
    physics.plan(0.0, "floor", "active")
    physics.advance(1.0)
    assert physics.value("floor.active") is True


def test_drift_keeps_its_spread_whatever_the_step():
    for dt in (0.1, 1.0, 50.0):
        drift = Drift(Random(4), sigma=2.0, tau_s=20.0)
        values = [drift.step(dt) for _ in range(20_000)]
        spread = (sum(v * v for v in values) / len(values)) ** 0.5
        assert 1.6 < spread < 2.4


@given(st.floats(-1000, 1000), st.integers(0, 4))
def test_a_sensor_shows_only_its_decimals_and_no_minus_zero(value, digits):
    shown = quantise(value, digits)
    assert abs(shown - value) <= 0.5 * 10**-digits + 1e-9
    assert not (shown == 0 and math.copysign(1, shown) < 0)


def test_a_fault_that_a_model_cannot_have_is_refused():
    with pytest.raises(ValueError, match="has no fault 'rust'"):
        boiler().plan(1.0, "boiler", "rust")
    with pytest.raises(ValueError, match="has no fault 'rust'"):
        make("room", Random(1), {}).fail("rust")


def test_every_kind_says_its_options_and_takes_them():
    for kind in KINDS:
        assert make(kind, Random(1), options_of(kind)).values()
