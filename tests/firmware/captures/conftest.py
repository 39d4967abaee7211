from typing import Any

from tests.firmware.captures.table import TABLE, lines


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The table stands at the end of the run, whichever of these files were part of it."""
    if TABLE:
        terminalreporter.section("captures")
        for line in lines():
            terminalreporter.write_line(line)
