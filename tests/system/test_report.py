"""A report of the real agent: canaries are seeded wherever something private may come from, and none sings."""

import base64
import json
import os
import pty
import re
import shutil
import subprocess
import tty
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from edge_agent.console import cli
from edge_agent.console.report.page import page
from edge_agent.console.report.seal import opened
from edge_agent.core.redact import Kind
from tests.system.test_on_site import Site, on_site

MAC = "A4:C1:38:8D:18:B2"
BIND_KEY = "231d39c1d7cc1ab1aee224cd096db932"
PASSWORD = "hunter2hunter2"
TOKEN = "tok-93hf83hf9"
SSID = "Villa Kunterbunt"
EXTRA = """
[gateway]
site = "Elmstreet Canary 5"
contact = "+49 170 7654321"
location = "cellar of the Canary family"
language = "de"

[consent]
diagnostics = true

[broker]
host = "127.0.0.1"
port = 1
username = "canary-user"
password_file = "{folder}/password"
tls = {{ enabled = false }}

[help]
hold_s = 1.0
cancel_window_s = 0.0

[[serial]]
name = "gps"
port = "{folder}/gps"
language = "textline"
options = {{ units = {{ latitude = "deg", longitude = "deg" }} }}

[[serial]]
name = "away"
port = "/dev/serial/by-id/usb-FTDI_FT232R_CANARY99-if00-port0"
language = "dsmr"

[[ble.device]]
name = "bedroom"
address = "{mac}"
language = "bthome"
options = {{ key = "{key}" }}

[[help.rules]]
name = "router"
text = "the router with ssid \\"{ssid}\\" is off"
channel = "boiler.pressure"
condition = "below"
value = 0.1

[[check]]
channel = "gps.latitude"
kind = "range"
max = 10.0
"""
# All forms, in lower case and without separators, that may not stand anywhere.
BARE = (
    "a4c1388d18b2", "b2188d38c1a4", "a6c138fffe8d18b2", "a6c1:38ff:fe8d:18b2", "8d18b2",
    "48.137", "11.575", "4808.2", BIND_KEY, PASSWORD, TOKEN, "kunterbunt", "elmstreet", "canary", "7654321",
    "canary99", "canary-user",
)  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("report")
    (folder / "password").write_text(f"{PASSWORD}\n")
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    (folder / "gps").symlink_to(os.ttyname(theirs))
    with on_site(folder, EXTRA.format(folder=folder, mac=MAC, key=BIND_KEY, ssid=SSID)) as found:
        for latitude in (48.137154, 48.137201):
            os.write(ours, f"latitude={latitude} longitude=11.575382\n".encode())
        found.line(b"pressure=1.25\n")
        # what a device says may come into the log as it is
        for said in (MAC, MAC.lower(), "a4c1388d18b2", "fe80::a6c1:38ff:fe8d:18b2", PASSWORD):
            found.line(f"{said}=1\n".encode())
        found.until(lambda: len(found.client.channels().channels) >= 3)
        found.until(lambda: any(f.state == "confirmed" for f in found.client.findings().findings))
        found.client.press(1.2)
        found.until(lambda: found.client.help().case is not None)
        yield found
    os.close(ours)
    os.close(theirs)


@pytest.fixture(scope="module")
def file(site, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "report.html"
    assert cli.main(["report", "--out", str(out), "--socket", str(site.client.path)]) == 0
    return out


def _decoded(piece: str) -> str:
    """What it is if it is base64."""
    whole = piece[: len(piece) // 4 * 4]
    return base64.b64decode(whole).decode("latin-1")


def test_no_canary_sings_in_no_form(site, file):
    seeded = json.dumps([site.client.config().settings, site.client.log().lines])
    assert "Elmstreet" in seeded, "they are where they were put"
    assert MAC in seeded
    assert SSID in seeded
    text = file.read_text()
    everything = [text, json.dumps(opened(file)[0].told, ensure_ascii=False)]
    everything += [_decoded(piece) for piece in re.findall(r"[A-Za-z0-9+/]{16,}", text)]
    for told in everything:
        plain = told.lower()
        for canary in BARE:
            assert canary not in plain, canary
            assert canary not in plain.replace(":", "").replace("-", "").replace("_", ""), canary


def test_what_is_hidden_has_labels_of_every_kind(file):
    text = file.read_text()
    for kind in (Kind.ADDRESS, Kind.PERSON, Kind.IDENTITY, Kind.NETWORK):
        assert re.search(rf"\[{kind.value} \d+\]", text)
    assert "[place]" in text


class Reader(HTMLParser):
    """What a browser would fetch or run, and whether all that is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.open: list[str] = []
        self.drawn = 0

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.drawn += tag == "svg"
        self.fetched += [value for name, value in attrs if name in ("src", "href", "action", "data", "srcset")]
        self.fetched += [name for name in given if name.startswith("on")]
        if tag == "script" and given.get("type") != "application/json":
            self.fetched.append("a script")
        if tag not in ("meta", "br", "path", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag != "path":
            assert self.open.pop() == tag


def test_it_is_one_file_that_fetches_and_runs_nothing_with_plots_and_the_code_to_scan(site, file):
    reader = Reader()
    reader.feed(file.read_text())
    assert (reader.fetched, reader.open) == ([], [])
    assert reader.drawn >= 2
    code = site.client.help().case.code
    assert f'aria-label="{code}"' in file.read_text(), "the code to scan"
    assert 'class="qr"' in file.read_text()
    assert len(file.read_bytes()) < 1_000_000


def test_the_household_reads_its_own_language_or_the_one_it_asks_for(site, file, tmp_path):
    assert "Bericht des Geräts" in file.read_text()
    out = tmp_path / "es.html"
    words = ["report", "--no-check", "--language", "es", "--out", str(out), "--socket", str(site.client.path)]
    assert cli.main(words) == 0
    assert "Informe del equipo" in out.read_text()


def test_it_is_as_it_was_signed_and_a_changed_one_is_found_out(file, tmp_path, capsys):
    assert cli.main(["report", "verify", str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["signed"], told["page"]) == (True, True)
    assert cli.main(["report", "verify", str(file), "--key", told["key"].replace(" ", "").upper()]) == 0
    assert cli.main(["report", "verify", str(file), "--key", "0000 1111 2222 3333"]) == 1
    text = file.read_text()
    for name, changed in {
        "data": text.replace('"boiler.pressure"', '"boiler.treasure"'),
        "page": text.replace("Bericht des Geräts", "Bericht des Nachbarn"),
        "signature": re.sub(r'data-signature="....', 'data-signature="0000', text),
        "key": re.sub(r'data-key="....', 'data-key="0000', text),
        "two": text.replace("</body>", re.findall(r"<script type.*</script>", text, re.DOTALL)[0] + "</body>"),
        "half": text[: len(text) // 2],
        "nothing": "",
    }.items():
        other = tmp_path / f"{name}.html"
        other.write_text(changed)
        assert cli.main(["report", "verify", str(other)]) == 1, name
    assert cli.main(["report", "verify", str(tmp_path / "none")]) == 1


def test_the_key_is_made_once_and_only_the_agent_can_read_it(site, file):
    first, second = site.client.report(), site.client.report()
    assert first.key == second.key == opened(file)[0].report.key
    key = site.client.path.parent.parent / "state/report-key"
    assert key.stat().st_mode & 0o077 == 0
    assert page(first) == page(first)


def test_before_and_after_are_compared_and_what_is_worse_comes_first(site, file, tmp_path, capsys):
    assert cli.main(["report", "compare", str(file), str(file)]) == 0
    assert capsys.readouterr().out == "Nothing has changed.\n"
    site.line(b"pressure=0.25\n")  # below what the check of the boiler allows
    site.until(lambda: any(f.id == "boiler.pressure:range" for f in site.client.findings().findings))
    after = tmp_path / "after.html"
    assert cli.main(["report", "--no-check", "--out", str(after), "--socket", str(site.client.path)]) == 0
    capsys.readouterr()
    assert cli.main(["report", "compare", str(file), str(after), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told[0]["trend"] == "worse"
    assert told[0]["what"] == "finding boiler.pressure:range"
    changed = {row["what"]: (row["before"], row["after"]) for row in told}
    assert changed["boiler.pressure"] == ("1.25 bar", "0.25 bar")
    assert cli.main(["report", "compare", str(after), str(file), "--json"]) == 0


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_a_browser_without_a_network_shows_it(file, tmp_path):
    picture = tmp_path / "report.png"
    words = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--screenshot={picture}"]
    words += [
        "--window-size=400,900",
        "--virtual-time-budget=2000",
        f"--user-data-dir={tmp_path}/profile",
        file.as_uri(),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=100)
    assert picture.exists(), done.stderr
    assert picture.stat().st_size > 10_000
