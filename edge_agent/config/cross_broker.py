"""The broker's part of the cross checks: its files can be read, and what answers from there can be believed."""

import re
from pathlib import Path as FilePath

from edge_agent.config.locate import Path
from edge_agent.config.mistakes import Report
from edge_agent.config.places import Table, within

# 32 bytes: an Ed25519 public key (RFC 8032 §5.1.5).
_DESK_KEY = re.compile(r"[0-9a-fA-F]{64}")


def check_broker(good: Table, report: Report) -> None:
    """The broker's files can be read, and whoever answers from there can be believed."""
    desk, broker = within(good, "desk"), within(good, "broker")
    for name, key in desk.get("keys", {}).items():
        if not _DESK_KEY.fullmatch(key):
            report.add(("desk", "keys", name), key, expected="the desk's Ed25519 public key, 64 hex digits")
    if broker.get("host") and report.clean(("desk",)) and not desk["keys"] and not desk["unsigned"]:
        report.add(
            ("broker", "host"),
            broker["host"],
            what="without the desk's key its answers cannot be believed, so that no help request is ever acknowledged",
            expected="a key in [desk.keys], or desk.unsigned = true for a test",
        )
    for i, place in enumerate(broker.get("fallback", ())):
        port = place.rpartition(":")[2] if isinstance(place, str) else ""
        if port.isdecimal() and int(port) > 65535:
            report.add(("broker", "fallback", i), place, what="no such port", expected="1 to 65535 behind the colon")
    check_file(("broker", "password_file"), broker, report)
    check_tls(("broker", "tls"), within(broker, "tls"), report)


def check_tls(path: Path, tls: Table, report: Report) -> None:
    """Certificates can be read, and a gateway's own has its key."""
    for name in ("ca_file", "cert_file", "key_file"):
        check_file((*path, name), tls, report)
    for one, other in (("cert_file", "key_file"), ("key_file", "cert_file")):
        if tls.get(one) and tls.get(other) == "":
            report.add((*path, one), tls[one], what=f"it needs {other} too", expected="both or neither")


def check_file(path: Path, table: Table, report: Report) -> None:
    """A file that is named can be read; the last part of `path` is its key in `table`."""
    name = table.get(str(path[-1]))
    if name and (wrong := unreadable(name)):
        report.add(path, name, what=wrong, expected="the absolute path of a file that this user can read")


def unreadable(name: str) -> str:
    """Why this file cannot be read; empty when it can."""
    path = FilePath(name)
    if not path.is_absolute():
        return "not an absolute path"
    try:
        if path.exists() and not path.is_file():
            return "not a file"
        with path.open("rb") as file:
            return "" if file.read(1) else "the file is empty"
    except OSError as error:
        return (error.strerror or "cannot be read").lower()
