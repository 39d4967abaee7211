"""Each captured stream is recognised as what it is, before all other languages."""

from collections.abc import Iterator

import pytest

from firmware_bridges.registry import language
from firmware_bridges.trial import bauds, ranked
from tests.edges.survey.serial_wire import resampled
from tests.firmware.captures.table import captures, count, note, rows
from tests.firmware.captures.test_captures_boilers import marked
from tests.firmware.captures.test_captures_nmea0183 import BINARY, log_bytes

pytestmark = pytest.mark.captures
WRONG_BYTES = 2000
FILES = {"sml": "sml/*.bin", "dsmr": "dsmr/*.txt", "iec62056": "iec62056_21/*.txt", "vedirect": "vedirect/*.dump"}


def joined(file: str, *keys: str) -> bytes:
    return b"".join(bytes.fromhex(row[key]) for row in rows(file) for key in keys)


def streams() -> Iterator[tuple[str, str, bytes]]:
    folder = captures()
    for name, pattern in FILES.items():
        for path in sorted(folder.glob(pattern)):
            yield name, path.name, path.read_bytes()
    for path in sorted(folder.glob("nmea0183/*.log")):
        if path.name not in BINARY:
            yield "nmea0183", path.name, log_bytes(path)
    yield "modbus", "rtu_pairs", joined("modbus/rtu_pairs.jsonl", "request", "response")
    yield "otgw", "otgw_lines", b"".join(f"{r['line']}\r\n".encode() for r in rows("opentherm/otgw_lines.jsonl"))
    yield "ems", "telegrams", b"".join(marked(row) for row in rows("ems/telegrams.jsonl"))
    yield "mhz19", "MHZ19B", joined("pm/MHZ19B.jsonl", "frame")
    yield "pms", "PMSx003", joined("pm/PMSx003.jsonl", "frame")
    yield "pms", "PMS5003T", joined("pm/PMS5003T.jsonl", "frame")
    yield "sds011", "SDS01x", joined("pm/SDS01x.jsonl", "frame")


def test_every_captured_stream_is_recognised_as_its_own_language_first() -> None:
    wrong = []
    for name, file, data in streams():
        scores = ranked({9600: data})
        first = scores[0].language if scores else "none"
        count("trial", 1, first == name, mismatches=first != name)
        if first != name:
            wrong.append((file, name, scores[:2]))
    note("trial", f"not tried: NMEA logs in a binary language ({', '.join(sorted(BINARY))})")
    assert wrong == []


def test_nobody_understands_a_stream_that_is_heard_at_another_speed() -> None:
    claimed = []
    for name, file, data in streams():
        spoken = 9600 if name == "iec62056" else language(name).baud
        for heard in bauds():
            if heard != spoken:
                scores = ranked({heard: resampled(data[:WRONG_BYTES], spoken, heard)})
                claimed += [(file, heard, score) for score in scores]
    assert claimed == []
