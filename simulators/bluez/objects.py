"""Objects on a bus with one interface each, and org.freedesktop.DBus.ObjectManager and Properties over them.

Signals are built by hand because their number matters: bleak takes every PropertiesChanged of a device for one
advertisement.
"""

from collections.abc import Callable, Mapping
from typing import Any

from dbus_fast import ErrorType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusError

OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
PROPERTIES = "org.freedesktop.DBus.Properties"
Reply = tuple[str, list[Any]]
NOTHING: Reply = ("", [])


class Node:
    """One object: its path, its one interface, and that interface's properties."""

    interface = ""
    also: tuple[str, ...] = ()  # interfaces without properties

    def __init__(self, path: str, properties: Mapping[str, Variant]) -> None:
        self.path = path
        self.properties = dict(properties)

    def call(self, member: str, body: list[Any], sender: str) -> Reply:  # noqa: ARG002 (overridden)
        """Answer a method call with signature and body. Raises DBusError, or Later."""
        raise DBusError(ErrorType.UNKNOWN_METHOD, f"{self.interface} has no method {member}")

    def set(self, name: str, value: Any) -> None:  # noqa: ARG002 (overridden)
        """A client sets a property. Raises DBusError."""
        raise DBusError(ErrorType.INVALID_ARGS, f"{name} cannot be set")


class Later(Exception):  # noqa: N818 - no error: the answer comes when `begin`'s argument is called with it
    """The call takes time. `begin` is called at once and gets what to hand the answer, or the error, to."""

    def __init__(self, begin: Callable[[Callable[[Reply | DBusError], None]], object]) -> None:
        super().__init__()
        self.begin = begin


class Objects:
    """The tree that clients see. `left(name)` is called when a client's connection to the bus ends.

    While `hangs` no call is ever answered.
    """

    hangs = False

    def __init__(self, bus: MessageBus, left: Callable[[str], None]) -> None:
        self._bus = bus
        self._left = left
        self._nodes: dict[str, Node] = {}

    def __contains__(self, node: Node) -> bool:
        return self._nodes.get(node.path) is node

    def add(self, node: Node) -> None:
        """Show a new object; clients are told all its properties."""
        self._nodes[node.path] = node
        self._signal("/", OBJECT_MANAGER, "InterfacesAdded", "oa{sa{sv}}", [node.path, self._interfaces(node)])

    def remove(self, node: Node) -> None:
        """Take it away; objects below it go first."""
        for path in sorted((p for p in self._nodes if p == node.path or p.startswith(f"{node.path}/")), reverse=True):
            gone = self._nodes.pop(path)
            self._signal("/", OBJECT_MANAGER, "InterfacesRemoved", "oas", [path, [gone.interface]])

    def change(self, node: Node, changed: Mapping[str, Variant]) -> None:
        """New values of some properties, in one signal."""
        node.properties.update(changed)
        if node in self:
            body = [node.interface, dict(changed), []]
            self._signal(node.path, PROPERTIES, "PropertiesChanged", "sa{sv}as", body)

    def handle(self, message: Message) -> Message | bool | None:
        """Message handler of the bus: answers calls to these objects."""
        if message.message_type is MessageType.SIGNAL:
            self._watch(message)
        if message.message_type is not MessageType.METHOD_CALL:
            return None
        return True if self.hangs else self._answer(message)

    def _answer(self, message: Message) -> Message | bool | None:
        if (message.interface, message.member) == (OBJECT_MANAGER, "GetManagedObjects"):
            tree = {path: self._interfaces(node) for path, node in self._nodes.items()}
            return Message.new_method_return(message, "a{oa{sa{sv}}}", [tree])
        node = self._nodes.get(message.path or "")
        if node is not None and message.interface == PROPERTIES:
            return self._property(message, node)
        if node is None or message.interface not in (node.interface, *node.also):
            return None
        try:
            reply = node.call(message.member or "", message.body, message.sender or "")
        except Later as later:
            later.begin(lambda answer: self._later(message, answer))
            return True
        return Message.new_method_return(message, *reply)

    def _later(self, message: Message, answer: Reply | DBusError) -> None:
        if self._bus.connected:
            if isinstance(answer, DBusError):
                self._bus.send(Message.new_error(message, answer.type, answer.text))
            else:
                self._bus.send(Message.new_method_return(message, *answer))

    def _property(self, message: Message, node: Node) -> Message:
        if message.member == "GetAll":
            return Message.new_method_return(message, "a{sv}", [node.properties])
        if message.member == "Get" and message.body[1] in node.properties:
            return Message.new_method_return(message, "v", [node.properties[message.body[1]]])
        if message.member == "Set":
            node.set(message.body[1], message.body[2].value)
            return Message.new_method_return(message)
        raise DBusError(ErrorType.INVALID_ARGS, f"{message.member}: no such property")

    def _watch(self, message: Message) -> None:
        if message.member == "NameOwnerChanged" and message.sender == "org.freedesktop.DBus":
            name, _, new_owner = message.body
            if not new_owner:
                self._left(name)

    @staticmethod
    def _interfaces(node: Node) -> dict[str, dict[str, Variant]]:
        return {node.interface: node.properties, **{each: {} for each in node.also}}

    def _signal(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        if self._bus.connected:
            self._bus.send(Message.new_signal(path, interface, member, signature, body))
