"""Keeps out of the daemon what libraries import and the daemon never uses: 16 MB and 0.1 s (rich included).

Nothing is lost: what is put off arrives when something of it is used.
"""

import sys
import typing
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec
from threading import RLock
from types import MethodType, ModuleType
from typing import Any

# Imported where it is installed, and done without where it is not: structlog draws with rich, 5 MB, and keeps greenlets
# apart, which brings the library of C++.
ABSENT = ("rich", "greenlet")
# Imported for what does not happen here, or not to every agent.
PUT_OFF = (
    "urllib.request",  # paho's way through a proxy, with http.client and email
    "hashlib",  # paho's WebSockets
    "tempfile",  # importlib's resources that are no files; it brings all compressors
    "gpiozero",  # the front door, with every robot and LED board; the drivers import its rooms one by one
    "nacl.bindings",  # likewise: all of libsodium, and one of its rooms checks signatures
    "asyncio.sslproto",  # TLS of asyncio's streams: for the HTTPS channel, not for MQTT
    "msgspec.toml",
    "msgspec.yaml",
    "structlog.stdlib",  # the standard library's logging written by structlog; here it is the other way round
    "structlog.threadlocal",  # what it had before context variables
    "structlog.twisted",
    "tokenize",  # linecache reads a source file with it
    "locale",  # subprocess names the encoding of text with it
)


class _Never(Exception):  # noqa: N818 - stands for classes that nothing is of
    """Before ssl is there, no socket is one of TLS and nothing raised is an error of TLS.

    The first SSLContext that is made brings all of ssl, and without one nobody speaks TLS.
    """


class _Visitor:
    """Stands for ast.NodeVisitor, on which inspect bases what finds the source of a class."""

    def __getattr__(self, name: str) -> Any:
        return MethodType(getattr(import_module("ast").NodeVisitor, name), self)


_TLS = dict.fromkeys(
    ("SSLSocket", "SSLError", "SSLCertVerificationError", "SSLWantReadError", "SSLWantWriteError"), _Never
)
_TYPING = {
    "get_type_hints": typing.get_type_hints,
    "NotRequired": typing.NotRequired,
    "Required": typing.Required,
    "override": getattr(typing, "override", lambda method: method),  # from Python 3.12 on
}


class PutOff(ModuleType):
    """A module, or the front of a package, that is run when something of it is used.

    importlib.util.LazyLoader is that too, but before Python 3.12 a second `import` already counts as use.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)  # what the import system looks for is not use
        arrive(self)
        if type(self) is PutOff:
            raise AttributeError(name)  # it is arriving by now, and asks for what it does not have yet
        return getattr(self, name)


def keep_out() -> None:
    """Call it before any library is imported, and only in the daemon's own process."""
    for name in ABSENT:
        sys.modules[name] = None  # type: ignore[assignment]
    for package in ("urllib", "xml.etree", "nacl"):  # next to nothing; but their children are looked for in them
        import_module(package)
    for name in PUT_OFF:
        put_off(name)
    # Who takes single names out of a module while it is imported itself gets them without the module.
    put_off("ast", {"NodeVisitor": _Visitor})  # inspect, for who reads sources
    put_off("statistics", {"median": _later("statistics", "median")})  # gpiozero, for smoothed inputs
    put_off("typing_extensions", _TYPING)  # msgspec and bleak, for what typing has too
    put_off("pickle", {"PicklingError": _Never})  # structlog, for who pickles a logger
    put_off("structlog.testing", {"ReturnLogger": None, "ReturnLoggerFactory": None})  # which its front shows
    # asyncio and paho ask of sockets and errors whether they are of TLS; with [broker.tls] OpenSSL comes, 4 MB
    put_off("ssl", _TLS)
    put_off("xml.etree.ElementTree", {"Element": None})  # dbus_fast, for annotations; bleak introspects nothing
    # gpiozero takes this name before importlib.metadata (2 MB with email, zipfile and csv), and uses it only to find
    # the pin factory that GPIOZERO_PIN_FACTORY names
    metadata = sys.modules.setdefault("importlib_metadata", ModuleType("importlib_metadata"))
    metadata.entry_points = _later("importlib.metadata", "entry_points")  # type: ignore[attr-defined]


def put_off(name: str, given: Mapping[str, Any] = {}) -> None:
    """From now on an import of this module gives one that has nothing but the names `given`, until it is used."""
    spec = None if name in sys.modules else _spec(name)
    if spec is None:
        return
    module = module_from_spec(spec)
    module.__class__ = PutOff
    vars(module).update(given, __arrival__=RLock(), __arriving__=False)
    sys.modules[name] = module
    package, _, child = name.rpartition(".")
    if package in sys.modules:
        setattr(sys.modules[package], child, module)


def arrive(module: PutOff) -> None:
    """Run what was put off; what was given instead is replaced by what there really is. A second thread waits."""
    state, spec = vars(module), module.__spec__
    assert spec is not None
    assert spec.loader is not None
    with state["__arrival__"]:
        if type(module) is not PutOff or state["__arriving__"]:
            return
        state["__arriving__"] = True
        try:
            spec.loader.exec_module(module)
            module.__class__ = ModuleType  # type: ignore[assignment]
        finally:
            state["__arriving__"] = False


def _spec(name: str) -> ModuleSpec | None:
    """As importlib.util.find_spec, which would import the package that the module is in."""
    spec, path = None, None
    for end in [index for index, character in enumerate(name) if character == "."] + [len(name)]:
        spec = PathFinder.find_spec(name[:end], path)
        if spec is None:
            return None
        path = spec.submodule_search_locations
    return spec


def _later(module: str, name: str) -> Callable[..., Any]:
    def call(*args: Any, **options: Any) -> Any:
        home = import_module(module)
        if isinstance(home, PutOff):
            arrive(home)
        return getattr(home, name)(*args, **options)

    return call
