"""The signed text inside a report's page: put in, taken out, and checked."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from edge_agent.control.types import SIGNED_AS, Report

# A report has some hundred kilobytes; who hands us more hands us something else.
MAX_BYTES = 8 << 20
_SCRIPT = (
    '<script type="application/json" id="document" data-key="{key}" data-signature="{signature}">{document}</script>'
)
_FOUND = re.compile(
    r'<script type="application/json" id="document" data-key="([0-9a-f]{64})" data-signature="([0-9a-f]{128})">'
    r"([^<]*)</script>"
)


class BadReportError(Exception):
    """The file is no report, or not as it was signed; the sentence says which."""


class Opened(NamedTuple):
    """A report as it was signed, and what it says."""

    report: Report
    told: dict[str, Any]


def embedded(report: Report) -> str:
    """The element of the page that carries it. The document has no `<`: so it is as it was signed."""
    return _SCRIPT.format(key=report.key, signature=report.signature, document=report.document)


def opened(path: Path) -> tuple[Opened, str]:
    """The report in this file with a good signature, and the whole page. Raises BadReportError, and OSError."""
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    page = raw.decode("utf-8", "replace")
    parts = _FOUND.findall(page) if len(raw) <= MAX_BYTES else []
    if len(parts) != 1:
        raise BadReportError("this is no report of edge-agent, or only a part of one")
    key, signature, document = parts[0]
    report = Report(document, signature, key)
    if not is_signed(report):
        raise BadReportError("it was changed after it was signed: the signature does not fit")
    return Opened(report, read(document)), page


def read(document: str) -> dict[str, Any]:
    """What a document says. Raises BadReportError."""
    try:
        told = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise BadReportError("its data cannot be read") from error
    if not isinstance(told, dict) or told.get("format") != SIGNED_AS.decode().strip():
        raise BadReportError("its data are of another kind or version")
    return told


@contextmanager
def well_shaped() -> Iterator[None]:
    """Inside, what is read of a report may have any shape: anybody can sign anything. Raises BadReportError for it."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise BadReportError("its data are not those of a report") from error


def is_signed(report: Report) -> bool:
    """Whether its key signed exactly this document."""
    from nacl.exceptions import BadSignatureError  # noqa: PLC0415 - only to check one
    from nacl.signing import VerifyKey  # noqa: PLC0415

    try:
        VerifyKey(bytes.fromhex(report.key)).verify(
            SIGNED_AS + report.document.encode(), bytes.fromhex(report.signature)
        )
    except (BadSignatureError, ValueError):
        return False
    return True


def fingerprint(key: str) -> str:
    """A public key as people compare it: 16 hex digits of its SHA-256 in groups of four."""
    digest = sha256(bytes.fromhex(key)).hexdigest()[:16]
    return " ".join(digest[at : at + 4] for at in range(0, 16, 4))
