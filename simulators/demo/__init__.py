"""The demo: the real agent among simulated devices, a real broker and a service desk, narrated as it happens."""

from simulators.demo.command import COMMAND

__all__ = ["COMMAND"]
