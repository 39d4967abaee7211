"""The other ways to the desk, `[[help.channels]]`: each kind has settings of its own, and needs some of them."""

from typing import NamedTuple

from msgspec.structs import fields

from edge_agent.config.cross_broker import check_file, check_tls
from edge_agent.config.locate import Path
from edge_agent.config.mistakes import Report
from edge_agent.config.model import HelpChannel
from edge_agent.config.places import Table, Used, real_path, unique, within


class _Kind(NamedTuple):
    """What a kind cannot do without, with its meaning, and what else it takes."""

    needs: dict[str, str]
    takes: frozenset[str]


_KINDS = {
    "broker": _Kind(
        {"host": "the other broker, such as backup.example"},
        frozenset({"port", "username", "password_file", "tls"}),
    ),
    "https": _Kind({"url": "where to post to, such as https://desk.example/help"}, frozenset({"token_file", "tls"})),
    "sms": _Kind(
        {
            "modem": "the modem's port, such as /dev/serial/by-id/...",
            "number": "the desk's phone number, such as +491701234567",
        },
        frozenset({"baud", "pin_file", "text_number"}),
    ),
}
_EVERYBODY = frozenset({"name", "kind", "resend_s"})
_FILES = ("password_file", "token_file", "pin_file")


def check_ways(good: Table, report: Report) -> None:
    """Every channel has what its kind needs and nothing else, and whoever answers can be believed."""
    rows = within(good, "help").get("channels", ())
    for number, row in enumerate(rows):
        path: Path = ("help", "channels", number)
        if "kind" in row:
            _check_kind(row, path, report)
        for name in _FILES:
            check_file((*path, name), row, report)
        check_tls((*path, "tls"), within(row, "tls"), report)
    names = [Used(("help", "channels", i, "name"), row["name"]) for i, row in enumerate(rows) if "name" in row]
    unique(names, report, expected="another name for each channel")
    _check_modems(good, rows, report)
    desk = within(good, "desk")
    if rows and report.clean(("desk",)) and not desk["keys"] and not desk["unsigned"]:
        what = "without the desk's key no answer can be believed, whichever way it comes"
        expected = "a key in [desk.keys], or desk.unsigned = true for a test"
        report.add(("help", "channels", 0), what=what, expected=expected)


def _check_kind(row: Table, path: Path, report: Report) -> None:
    kind = _KINDS[row["kind"]]
    for setting, meaning in kind.needs.items():
        if setting in row and not row[setting]:
            report.add((*path, setting), what="missing", expected=meaning)
    for setting in HelpChannel.__struct_fields__:
        if setting in _EVERYBODY | kind.takes or setting in kind.needs or setting not in row:
            continue
        if row[setting] != _default(setting):
            report.add((*path, setting), what=f"a channel of the kind {row['kind']} has no use for it")
    if row["kind"] == "https" and within(row, "tls").get("enabled") is False:
        report.add((*path, "tls", "enabled"), False, what="https is always encrypted", expected="true")


def _default(setting: str) -> object:
    if setting == "tls":
        return {"enabled": True, "ca_file": "", "cert_file": "", "key_file": ""}
    return next(field.default for field in fields(HelpChannel) if field.name == setting)


def _check_modems(good: Table, rows: list[Table], report: Report) -> None:
    """A port belongs to one device or one modem."""
    used = [Used(("serial", i, "port"), row["port"]) for i, row in enumerate(good.get("serial", ())) if "port" in row]
    modems = [Used(("help", "channels", i, "modem"), row["modem"]) for i, row in enumerate(rows) if row.get("modem")]
    seen = {real_path(each.value) for each in used}
    for modem in modems:
        if real_path(modem.value) in seen:
            report.add(modem.path, modem.value, what="a device has this port", expected="the port of a modem")
    unique(modems, report, expected="one channel for a modem", same=real_path)
