"""Keeps out of the daemon what libraries import and the daemon never uses: 10 MB and 0.1 s (rich included).

Nothing is lost: what is put off arrives when something of it is used.
"""

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

# Imported where it is installed, and done without where it is not: structlog draws with rich, 5 MB.
ABSENT = ("rich",)
# Imported for what never happens here: paho's way through a proxy (urllib.request, with http.client and email) and
# its WebSockets (hashlib), importlib's resources that are no files (tempfile, with all compressors), and gpiozero's
# front door, which brings every robot and LED board; the drivers import its rooms one by one.
PUT_OFF = ("urllib.request", "hashlib", "tempfile", "gpiozero")


class PutOff(ModuleType):
    """A module, or the front of a package, that is run when something of it is used.

    importlib.util.LazyLoader is that too, but before Python 3.12 a second `import` already counts as use.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or self.__spec__ is None or self.__spec__.loader is None:
            raise AttributeError(name)  # what the import system looks for is not use
        self.__class__ = ModuleType  # type: ignore[assignment]
        self.__spec__.loader.exec_module(self)
        return getattr(self, name)


def keep_out() -> None:
    """Call it before any library is imported, and only in the daemon's own process."""
    for name in ABSENT:
        sys.modules[name] = None  # type: ignore[assignment]
    for name in PUT_OFF:
        put_off(name)
    # gpiozero takes this name before importlib.metadata (2 MB with email, zipfile and csv), and uses it only to find
    # the pin factory that GPIOZERO_PIN_FACTORY names
    metadata = sys.modules.setdefault("importlib_metadata", ModuleType("importlib_metadata"))
    metadata.entry_points = _entry_points  # type: ignore[attr-defined]


def put_off(name: str) -> None:
    """From now on an import of this module gives one that is empty until it is used."""
    spec = None if name in sys.modules else find_spec(name)
    if spec is None:
        return
    module = module_from_spec(spec)
    module.__class__ = PutOff
    sys.modules[name] = module
    package, _, child = name.rpartition(".")
    if package:
        setattr(import_module(package), child, module)


def _entry_points(**wanted: Any) -> Any:
    return import_module("importlib.metadata").entry_points(**wanted)
