"""Which steps there are to whom, and what each of them needs."""

from edge_agent.config.model import Broker, Config, Help, HelpChannel
from edge_agent.core.health import Severity
from edge_agent.probes import last_steps, local_probes, of_ways

WEB = HelpChannel("web", "https", url="https://desk.example/help")
SMS = HelpChannel("sms", "sms", modem="/dev/ttyUSB9", number="+491701234567")
SECOND = HelpChannel("second", "broker", host="127.0.0.1", port=1883)


def ways(config):
    return {probe.name: probe for probe in of_ways(config, lambda: False)}


def test_nobody_to_call_is_no_step_at_all():
    assert ways(Config()) == {}
    assert ways(Config(help=Help(channels=(SMS,)))) == {}, "a modem has a network of its own"


def test_a_broker_on_this_machine_needs_no_cable_and_another_way_does():
    found = ways(Config(broker=Broker(host="localhost"), help=Help(channels=(WEB,))))
    assert found["dns"].needs == found["portal"].needs == ()
    assert found["dns web"].needs == ("address",)
    assert found["link"].run.__self__.host == "desk.example"
    assert (found["tcp"].severity, found["tcp web"].severity) == (None, Severity.WARNING)


def test_where_all_are_on_this_machine_the_cable_is_looked_at_and_nobody_needs_it():
    found = ways(Config(broker=Broker(host="127.0.0.1"), help=Help(channels=(SECOND,))))
    assert found["link"].run().evidence == "what is called is on this machine"
    assert found["dns"].needs == found["dns second"].needs == ()


def test_without_a_broker_the_other_ways_are_walked():
    found = ways(Config(help=Help(channels=(WEB, SECOND))))
    assert list(found) == ["link", "address", *(f"{step} {to}" for to in ("web", "second") for step in STEPS)]


STEPS = ("dns", "tcp", "tls")


def test_another_way_needs_its_own_steps_and_a_connection_any_of_its_brokers():
    config = Config(broker=Broker(host="a", fallback=("b",)), help=Help(channels=(WEB, SMS)))
    assert last_steps("channel web", config) == ("tcp web", "tls web")
    assert last_steps("channel sms", config) is None
    assert last_steps("service", config) == ()
    assert last_steps("service", Config(broker=Broker(host="a"))) is None
    assert {"tcp b:8883", "tls b:8883"} <= ways(config).keys()


def test_without_an_agent_the_modem_is_looked_for(tmp_path):
    found = {probe.name: probe for probe in local_probes(Config(help=Help(channels=(SMS,))), tmp_path)}
    assert found["channel sms"].run().evidence == "/dev/ttyUSB9 is not there"
