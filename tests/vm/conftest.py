"""Tests in a virtual machine take minutes: they run by `make vm-test` and `make torture`, where the machine can."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.vm import image, kernel
from tests.vm import ready as booted
from tests.vm.machine import Saved

if TYPE_CHECKING:
    from tests.vm.radio import World

HERE = Path(__file__).parent
WANTED = bool(os.environ.get("VM"))


def reason() -> str:
    """Why the tests here do not run; empty when they do."""
    return image.missing() if WANTED else "takes minutes: make vm-test"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    why = reason() if any(HERE in item.path.parents for item in items) else ""
    if why and WANTED:
        image.say(f"SKIPPED, all of it: {why}")
    for item in items if why else ():
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture(scope="session")
def built() -> image.Image:
    try:
        return image.Image()
    except kernel.NoKernelError as error:
        image.say(f"SKIPPED, all of it: {error}")
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def ready(built: image.Image) -> Iterator[Saved]:
    """A booted guest with today's agent in it: each test resumes it in a second."""
    with tempfile.TemporaryDirectory(prefix="edge-ready-", dir=memory()) as folder:
        with image.step("a guest booted, set up and saved"):
            saved = booted.prepare(built, Path(folder))
        yield saved


@pytest.fixture
def world() -> Iterator["World"]:
    """Devices near the guest, in an air of their own."""
    from tests.vm import radio  # noqa: PLC0415  # Bumble is installed for these tests only

    with radio.world() as made:
        yield made


@pytest.fixture
def large() -> Iterator[Path]:
    """A folder for large files."""
    with tempfile.TemporaryDirectory(prefix="edge-vm-", dir=memory()) as folder:
        yield Path(folder)


def memory() -> str | None:
    """Where large files lie: in memory where that can be had."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
