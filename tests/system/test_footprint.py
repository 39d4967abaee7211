"""What the daemon's own process holds while it works with all three drivers: memory is chosen import by import.

Not a figure (machines differ, and their load), but what the figures come from.
"""

from pathlib import Path

from stage import Stage, staged, until

from edge_agent.control.client import Client
from simulators.demo.agent import PIN_FACTORY

# Runs before the agent in its process, and tells at its end which modules it had taken.
TELL = """\
import atexit, pathlib, sys
def taken(module):
    return module is not None and type(module).__name__ != "PutOff"
def tell():
    names = [name for name, module in list(sys.modules.items()) if taken(module)]
    pathlib.Path({file!r}).write_text("\\n".join(names))
atexit.register(tell)
"""
USED = {"asyncio", "sqlite3", "aiomqtt", "msgpack", "msgspec", "nacl", "serial", "bleak", "gpiozero.devices"}
# Each was in a daemon once, or comes with one import too many.
UNWANTED = {
    *("aiohttp", "numpy", "pydantic", "cryptography", "rich", "greenlet", "requests", "pkg_resources", "setuptools"),
    *("email", "http.client", "urllib.request", "importlib.metadata", "zipfile", "csv"),
    *("tempfile", "shutil", "lzma", "bz2", "hashlib", "_hashlib", "secrets", "hmac"),
    *("typing_extensions", "statistics", "fractions", "tokenize", "xml.etree.ElementTree", "asyncio.sslproto"),
    *("ssl", "_ssl", "pickle", "gettext", "locale", "unicodedata", "encodings.idna"),
    *("nacl.bindings.crypto_box", "structlog.stdlib", "structlog.testing", "msgspec.yaml", "ast"),
    *("gpiozero.boards", "gpiozero.output_devices", "colorzero"),
    *("difflib", "unittest", "doctest", "pdb", "multiprocessing", "configparser", "edge_agent.console.commands"),
}


def threads_of(pid: int) -> list[str]:
    return [(task / "comm").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]


async def all_at_work(stage: Stage) -> bool:
    """Every device was heard, and something is acknowledged by the desk's broker."""
    status, queue = await stage.status(), await stage.agent.ask(Client.queue)
    kinds = {part.name.partition(":")[0] for part in status.parts}
    assert kinds >= {"serial", "ble", "gpio"}
    return all(device.readings for device in status.devices) and queue.sent_events > 0


async def test_a_running_agent_holds_nothing_that_it_does_not_use(tmp_path):
    file = tmp_path / "modules"
    (tmp_path / "sitecustomize.py").write_text(TELL.format(file=str(file)))
    async with staged(environment={"PYTHONPATH": str(tmp_path), **PIN_FACTORY}) as stage:
        await until(lambda: all_at_work(stage))
        assert await stage.agent.stop() == 0
    held = set(file.read_text().split())
    assert held >= USED
    assert held & UNWANTED == set()


async def test_a_running_agent_has_a_thread_for_sql_one_for_logs_one_for_the_network_and_one_for_gpio():
    async with staged(environment=PIN_FACTORY) as stage:
        await until(lambda: all_at_work(stage))
        threads = threads_of(stage.agent.pid)
        # the three log lanes have up to three, for the time that two of them commit at once
        assert 2 <= len(threads) <= 7
