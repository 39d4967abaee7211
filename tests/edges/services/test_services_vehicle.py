"""What is known of vehicles stands in playbooks: codes, the battery, the coolant, the vehicle's own tests."""

import pytest
from findings_scene import Flat

from edge_agent.config.playbooks import load_folder
from edge_agent.core.reading import Code, Codes
from edge_agent.services.diagnoses import Diagnoses, own_checks
from edge_agent.services.troubles import Troubles
from edge_agent.texts import texts

BOOKS = load_folder("config/playbooks")
KINDS = {"engine": "engine", "boiler": "boiler"}


class Garage:
    """An engine behind an OBD adapter, and a boiler, with every playbook that is shipped."""

    def __init__(self, folder, language="en"):
        self.flat = flat = Flat(folder, *own_checks(BOOKS, KINDS))
        self.troubles = Troubles(flat, flat.new_id, texts(language), flat.register.findings, flat.register.tell)
        self.diagnoses = Diagnoses(
            BOOKS, KINDS, flat.register, flat, flat.new_id, texts(language), lambda _diagnosis: None
        )
        flat.register.told.append(self.diagnoses.see)

    def codes(self, *codes, device="engine", memory="7e8"):
        self.troubles.see(Codes(device, tuple(Code(code) for code in codes), self.flat.at, memory))

    def drive(self, seconds, **values):
        def speak():
            for name, value in values.items():
                self.flat.say(f"engine.{name}", value)

        self.flat.wait(seconds, 5.0, also=speak)
        self.diagnoses.tick(self.flat.at)

    def says(self):
        return {f.kind: f.sentence for f in self.flat.register.confirmed()}


@pytest.fixture
def garage(tmp_path):
    return Garage(tmp_path)


@pytest.mark.parametrize(
    ("code", "playbook"),
    [
        ("P0300", "engine_misfire"),
        ("P0312", "engine_misfire"),
        ("P0420", "catalyst_worn"),
        ("P0171", "fuel_mixture"),
        ("P0455", "fuel_vapour_leak"),
        ("P0128", "engine_stays_cold"),
    ],
)
def test_a_code_has_its_diagnosis_whichever_control_unit_tells_it(garage, code, playbook):
    garage.codes(code, memory="7e9")
    assert list(garage.says()) == [playbook]
    assert code in garage.says()[playbook], "with the code as evidence"
    garage.codes(memory="7e9")
    garage.flat.wait(700, 5.0)
    garage.diagnoses.tick(garage.flat.at)
    assert garage.says() == {}


def test_a_code_that_no_playbook_knows_stands_for_itself(garage):
    garage.codes("B1234", "P0299")
    assert [f.kind for f in garage.flat.register.confirmed()] == ["code", "code"]


def test_a_heating_that_tells_a_code_is_one_diagnosis(garage):
    garage.codes("A11 802", device="boiler", memory="")
    assert list(garage.says()) == ["heating_fault"]
    assert garage.says()["heating_fault"].startswith("Boiler reports a fault. Boiler reports trouble code A11 802.")


def test_a_battery_that_falls_too_far_at_the_crank_or_is_empty_in_the_morning(garage):
    garage.drive(60, battery_voltage=12.7, awake=False)
    garage.drive(5, battery_voltage=8.9)
    assert list(garage.says()) == ["starter_battery"]
    garage.drive(8000, battery_voltage=12.7, awake=False)
    assert garage.says() == {}
    garage.drive(1000, battery_voltage=11.9, awake=False)
    assert list(garage.says()) == ["starter_battery"]


def test_a_running_engine_that_does_not_charge_and_one_that_saves_fuel(garage):
    garage.drive(900, battery_voltage=12.8, engine_speed=2000)
    assert garage.says() == {}
    garage.drive(300, battery_voltage=12.2, engine_speed=2000)
    assert garage.says() == {}, "not yet: some alternators pause for minutes"
    garage.drive(400, battery_voltage=12.2, engine_speed=2000)
    assert list(garage.says()) == ["vehicle_not_charging"]


def test_an_engine_that_stays_cold_and_one_that_is_only_warming_up(garage):
    garage.drive(900, coolant_temperature=40, run_time=600)
    assert garage.says() == {}
    garage.drive(400, coolant_temperature=58, run_time=1500)
    assert list(garage.says()) == ["engine_stays_cold"]
    garage.drive(1000, coolant_temperature=88, run_time=2500)
    assert garage.says() == {}


def test_an_engine_that_boils_is_told_at_once(garage):
    garage.drive(20, coolant_temperature=121)
    assert list(garage.says()) == ["overheating_engine"]
    (said,) = garage.flat.notices
    assert said.startswith("The engine is not cooled enough. Engine coolant temperature is 121")


def test_own_tests_that_stay_open_after_200_km(garage):
    garage.drive(900, catalyst_ready=False, distance_since_clear=80)
    assert garage.says() == {}
    garage.drive(900, catalyst_ready=False, distance_since_clear=250)
    assert list(garage.says()) == ["vehicle_tests_open"]
    garage.drive(200, catalyst_ready=True, distance_since_clear=260)
    assert garage.says() == {}


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_every_shipped_playbook_speaks_every_language(language):
    assert all(language in book.told for book in BOOKS)
    assert len(BOOKS) >= 20


def test_no_playbook_of_vehicles_is_for_anything_but_vehicles():
    for book in BOOKS:
        if "engine" in book.kinds:
            assert set(book.kinds) <= {"vehicle", "engine"}
