"""The report as a page: one file of HTML with its pictures inside, no script that runs, and nothing from elsewhere.

The same report always makes the same page, so that whoever checks it can make it anew and compare.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from edge_agent.console.report.plot import plot
from edge_agent.console.report.seal import embedded, fingerprint, read, well_shaped
from edge_agent.control.types import Report
from edge_agent.texts import Texts, languages, texts
from edge_agent.units import spoken

# Contrast of all pairs is 4.5 and more in both schemes (WCAG 2.2, 1.4.3).
_STYLE = """
:root{color-scheme:light dark;--g:#fff;--i:#1b1f24;--l:#c9d1d9;--ok:#116329;--warn:#8a4600;--fail:#a40e26}
@media(prefers-color-scheme:dark){:root{--g:#0d1117;--i:#e6edf3;--l:#3d444d;--ok:#56d364;--warn:#e3b341;--fail:#ff7b72}}
body{background:var(--g);color:var(--i);font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:0 auto;padding:1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;border-bottom:1px solid var(--l);margin-top:2rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.25rem .5rem .25rem 0}
td{border-top:1px solid var(--l);overflow-wrap:break-word;hyphens:auto}
td:first-child{white-space:nowrap}pre,td:last-child{overflow-wrap:anywhere}td:last-child{width:60%}
.ok{color:var(--ok)}.warn{color:var(--warn)}.fail{color:var(--fail)}
.lead{font-size:1.2rem}.code{font:700 1.6rem monospace;letter-spacing:.1em}small,figcaption{font-size:.85rem}
figure{margin:.75rem 0}svg{width:100%;max-width:40rem;height:auto;border:1px solid var(--l)}
svg path{fill:none;stroke:var(--i);stroke-width:1.2}svg text{font:9px sans-serif;fill:var(--i)}
.qr{width:9rem;background:#fff;border:0}.qr path{stroke:#000}pre{overflow:auto;font-size:.75rem;white-space:pre-wrap}
"""
# What needs somebody stands first.
_ORDER = {"fail": 0, "warn": 1, "ok": 3}
_LIGHTS = {"ok": "ok", "warn": "warn", "fail": "fail"}


def page(report: Report, language: str = "") -> str:
    """The whole file, in the language that is asked for or in the gateway's. Raises BadReportError."""
    told = read(report.document)
    wanted = language or str(told.get("language", "en"))
    here = texts(wanted if wanted in languages() else "en")
    with well_shaped():
        body = "\n".join(_body(told, here, fingerprint(report.key)))
    return (
        f'<!DOCTYPE html>\n<html lang="{here.language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(here['report.title'])}</title><style>{_STYLE}</style></head><body>\n{body}\n"
        f"{embedded(report)}\n</body></html>\n"
    )


def language_of(html: str) -> str:
    """The language that a page is in."""
    return html.partition('<html lang="')[2].partition('"')[0]


def _body(told: Mapping[str, Any], here: Texts, key: str) -> Iterator[str]:
    status, case = told["status"] or {}, told["help"] or {}
    yield f"<h1>{escape(here['report.title'])}</h1>"
    yield f"<p>{_say(here, 'made', when=told['made'])}<br><small>{escape(here['report.hidden'])}</small></p>"
    yield f'<p class="lead {"ok" if status.get("ready") else "fail"}">{_text(status.get("sentence"))}</p>'
    yield from _case(case, here)
    yield from _selftest(told["selftest"] or {}, here)
    yield from _findings(told["findings"] or [], here)
    yield from _plots(told["plots"] or [], here)
    yield f"<h2>{escape(here['report.parts'])}</h2>" + _ready(status.get("parts") or [], here)
    yield f"<h2>{escape(here['report.devices'])}</h2>" + _ready(status.get("devices") or [], here)
    yield f"<h2>{escape(here['report.engineer'])}</h2>"
    for name in ("help", "status", "channels", "queue", "config", "log", "metrics"):
        yield f"<details><summary>{name}</summary><pre>{escape(_shown(told[name]))}</pre></details>"
    yield f"<p><small>{_say(here, 'signed', signer=key)}</small></p>"


def _case(case: Mapping[str, Any], here: Texts) -> Iterator[str]:
    code = str(case.get("code") or "")
    if not code or case.get("state") == "IDLE":  # the last one is over: its code helps nobody
        yield f"<p>{escape(here['report.no_case'])}</p>"
        return
    yield f'<p>{_say(here, "case", code="")}<br><span class="code">{_text(code[:4])} {_text(code[4:])}</span></p>'
    yield f"{qr(code)}<p><small>{escape(here['report.say_code'])}</small></p>"


def qr(code: str) -> str:
    """The code as a picture to scan."""
    import segno  # noqa: PLC0415 - only where there is a case

    drawn: str = segno.make(code, error="m", micro=False).svg_inline(omitsize=True, svgclass="qr", lineclass=None)
    return drawn.replace("<svg ", f'<svg role="img" aria-label="{escape(code, quote=True)}" ', 1)


def _selftest(done: Mapping[str, Any], here: Texts) -> Iterator[str]:
    yield f"<h2>{escape(here['report.selftest'])}</h2><p>{_text(done.get('sentence'))}</p>"
    rows = []
    for row in sorted(done.get("results") or [], key=lambda row: _ORDER.get(row["verdict"], 2)):
        verdict = str(row["verdict"])
        word = here.get(f"verdict.{verdict}", verdict)
        fix = f"<br><small>{_text(row['fix'])}</small>" if row["fix"] and verdict != "ok" else ""
        light = _LIGHTS.get(verdict, "")
        cells = f'<td class="{light}">{escape(word)}</td><td>{_text(row["title"])}</td>'
        rows.append(f"<tr>{cells}<td>{_text(row['evidence'])}{fix}</td></tr>")
    yield f"<table>{''.join(rows)}</table>" if rows else ""


def _findings(found: Sequence[Mapping[str, Any]], here: Texts) -> Iterator[str]:
    yield f"<h2>{escape(here['report.findings'])}</h2>"
    if not found:
        yield f"<p>{escape(here['report.no_findings'])}</p>"
    for finding in found:
        light = "fail" if finding["state"] == "confirmed" else ""
        name = f"{finding['channel']} {finding['kind']}, {finding['state']}"
        yield f'<p class="{light}">{_text(finding["sentence"])}<br><small>{_text(name)}</small></p>'
        yield _drawn(f"{finding['channel']} {spoken(str(finding['unit']))}", finding["latest"], here)


def _plots(plots: Sequence[Mapping[str, Any]], here: Texts) -> Iterator[str]:
    drawn = [_drawn(f"{each['channel']} {spoken(str(each['unit']))}", each["points"], here) for each in plots]
    if any(drawn):
        yield f"<h2>{escape(here['report.plots'])}</h2>" + "".join(drawn)


def _drawn(title: str, rows: Any, here: Texts) -> str:
    """A plot of rows of seconds and value; nothing where they are hidden or no numbers."""
    points = [
        (float(row[0]), row[1] if isinstance(row[1], int | float) else None)
        for row in (rows if isinstance(rows, list) else [])
    ]
    if len(points) < 2:
        return ""
    long_s = f"{points[-1][0] - points[0][0]:.0f}"
    return plot(title.strip(), points, (here.say("report.before", seconds=long_s), here["report.now"]))


def _ready(rows: Sequence[Mapping[str, Any]], here: Texts) -> str:
    cells = (
        f'<tr><td class="{"ok" if row["ready"] else "fail"}">'
        f"{escape(here['report.ready'] if row['ready'] else here['report.not_ready'])}</td>"
        f"<td>{_text(row['name'])}</td><td>{_text(row['sentence'])}"
        + (f"<br><small>{_text(row['fix'])}</small>" if row["fix"] and not row["ready"] else "")
        + "</td></tr>"
        for row in rows
    )
    return f"<table>{''.join(cells)}</table>"


def _say(here: Texts, key: str, **fields: object) -> str:
    return escape(here.say(f"report.{key}", **fields))


def _text(told: object) -> str:
    return escape("" if told is None else str(told))


def _shown(part: Any) -> str:
    if isinstance(part, list) and all(isinstance(line, str) for line in part):
        return "\n".join(part)
    return json.dumps(part, indent=1, ensure_ascii=False)
