"""The store alone in a guest on a disk with a volatile cache: one life, many cuts, looked at on the host, whose ext4
replays the journal. A disk that lies about its flushes is noticed.
"""

import random
import time

import pytest

from edge_agent.core.errors import AgentError
from tests.torture.board import Record, Said
from tests.torture.powerdisk import cuts, make_image
from tests.torture.test_power_cut import check, instants_of
from tests.vm.disk import Disk
from tests.vm.gateway import guest_python
from tests.vm.image import report
from tests.vm.machine import Machine
from tests.vm.size import CUTS, SEED

ROUNDS = 40
# A line from the guest comes some milliseconds late. A promise may; what takes one back counts from before.
LATE_NS = 1_000_000_000
TAKEN_BACK = frozenset({Said.RELEASED, Said.DROPPED, Said.CASE_TRIED, Said.REFUSED})


@pytest.mark.parametrize("lies", [False, True], ids=["honest", "lying"])
def test_the_store_keeps_its_promises_where_the_disk_keeps_its_own(built, ready, large, lies) -> None:
    image, wanted = large / "disk.img", CUTS * 10
    make_image(image)
    begin = image.read_bytes()
    disk = Disk(image, large / "nbd", lies=lies)
    try:
        with Machine(built, saved=ready, data=disk.words) as machine:
            records = life(machine)
    finally:
        disk.close()
    chance, stood, wrong = random.Random(SEED), 0, list[str]()
    entries = disk.entries()
    assert sum(entry.offset >= 0 for entry in entries) > ROUNDS
    for at_ns, content in cuts(begin, entries, instants_of(entries, records, chance, wanted), SEED):
        promised = [record for record in records if record.at_ns <= at_ns]
        stood += len(promised)
        try:
            wrong += check(large, content, promised)
        except AgentError as error:
            wrong.append(f"the store does not start: {error}")
    kind = "a disk that lies" if lies else "an honest disk"
    report(f"the store on {kind}: {wanted} cuts with {stood} promises standing, {len(wrong)} broken")
    assert bool(wrong) == lies, wrong[:5]


def life(machine: Machine) -> list[Record]:
    """A writer's life to its end in the guest; what it said, and when the host heard it."""
    records: list[Record] = []

    def hear(line: str) -> None:
        said, lane, number, extra = map(int, line.split())
        at_ns = time.monotonic_ns() - (LATE_NS if said in TAKEN_BACK else 0)
        records.append(Record(at_ns, Said(said), lane, number, extra))

    machine.run("mkdir -p /data && mount /dev/vdb /data && mkdir /data/state")
    done = machine.begin(guest_python("writer", "/data/state", SEED, ROUNDS), hear=hear).wait(300.0)
    assert done.returncode == 0, done.stdout[-3000:]
    return records
