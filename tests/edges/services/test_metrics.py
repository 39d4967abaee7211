"""The figures, read by Prometheus' own parser."""

import re

from prometheus_client.parser import text_string_to_metric_families
from test_services_agent import config, running

from edge_agent.core.finding import FindingState, Severity
from edge_agent.core.health import CONDITIONS, code_of
from edge_agent.core.reading import Channel, Reading
from edge_agent.view.metrics import _family

# prometheus.io/docs/practices/naming: base units at the end, _total behind a counter.
NAME = re.compile(r"^(edge_agent|process)_[a-z_]+$")
NOT_BASE = re.compile(r"_(ms|milliseconds|minutes|hours|kb|mb|percent)(_|$)")


async def told(agent):
    return {family.name: family for family in text_string_to_metric_families(agent.view.metrics())}


async def test_prometheus_reads_them_and_their_names_are_as_it_likes_them(tmp_path):
    async with running(config(tmp_path)) as agent:
        agent.sampling.deliver(Reading(Channel("boiler.pressure", "bar"), 1.0, agent.clock.now().monotonic))
        families = await told(agent)
    assert len(families) > 15
    for family in families.values():
        assert NAME.match(family.name)
        assert not NOT_BASE.search(family.name)
        assert family.documentation
        assert family.type in ("counter", "gauge")
        names = {sample.name for sample in family.samples}
        assert names == {f"{family.name}_total" if family.type == "counter" else family.name}
        labels = [tuple(sorted(sample.labels.items())) for sample in family.samples]
        assert len(set(labels)) == len(labels), "one sample for one set of labels"
    assert families["edge_agent_readings"].samples[0].value == 1.0
    assert families["edge_agent_ready"].samples[0].value == 0.0, "there is no broker"


async def test_labels_are_bounded_and_every_part_is_of_a_condition(tmp_path):
    async with running(config(tmp_path)) as agent:
        families = await told(agent)
        assert len(agent.view.metrics()) < 16_000
    bounded = {"part", "severity", "device", "lane", "state", "probe", "version"}
    assert {name for family in families.values() for each in family.samples for name in each.labels} <= bounded
    for sample in families["edge_agent_condition_ready"].samples:
        assert sample.labels["severity"] == CONDITIONS[code_of(sample.labels["part"])].severity.value
    assert len(families["edge_agent_findings"].samples) == len(FindingState) * len(Severity)


async def test_what_was_found_by_the_last_self_test_is_a_figure(tmp_path):
    async with running(config(tmp_path)) as agent:
        assert "edge_agent_probe_failed" not in await told(agent)
        await agent.beside.examiner.evidence()
        rows = {row.labels["probe"]: row.value for row in (await told(agent))["edge_agent_probe_failed"].samples}
    assert rows["service"] == 1.0
    assert rows["disk"] == 0.0


def test_a_label_may_have_any_letters():
    text = _family("edge_agent_x", "gauge", "x", [({"device": 'a"b\\c\nd'}, 1)])
    (family,) = text_string_to_metric_families(text)
    assert family.samples[0].labels == {"device": 'a"b\\c\nd'}


async def test_of_two_things_that_are_wrong_with_the_store_one_is_enough(tmp_path):
    async with running(config(tmp_path)) as agent:
        agent.problems.append("a file was put aside")
        results = await agent.beside.examiner.evidence()
        stores = [row for row in results if row[0] == "store"]
        assert [row[1:3] for row in stores] == [["fail", "a file was put aside"]]
        rows = (await told(agent))["edge_agent_condition_ready"].samples
        assert [row.value for row in rows if row.labels["part"] == "store"] == [0.0]
