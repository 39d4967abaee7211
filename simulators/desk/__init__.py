"""The service desk: the other end of the wire, for the demo, the tests and whoever writes a cloud."""

from simulators.desk.command import COMMAND

__all__ = ["COMMAND"]
