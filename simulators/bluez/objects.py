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

    def __init__(self, path: str, properties: Mapping[str, Variant]) -> None:
        self.path = path
        self.properties = dict(properties)

    def call(self, member: str, body: list[Any], sender: str) -> Reply:  # noqa: ARG002 (overridden)
        """Answer a method call with signature and body. Raises DBusError."""
        raise DBusError(ErrorType.UNKNOWN_METHOD, f"{self.interface} has no method {member}")


class Objects:
    """The tree that clients see. `left(name)` is called when a client's connection to the bus ends."""

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

    def handle(self, message: Message) -> Message | None:
        """Message handler of the bus: answers calls to these objects."""
        if message.message_type is MessageType.SIGNAL:
            self._watch(message)
        return self._answer(message) if message.message_type is MessageType.METHOD_CALL else None

    def _answer(self, message: Message) -> Message | None:
        if (message.interface, message.member) == (OBJECT_MANAGER, "GetManagedObjects"):
            tree = {path: self._interfaces(node) for path, node in self._nodes.items()}
            return Message.new_method_return(message, "a{oa{sa{sv}}}", [tree])
        node = self._nodes.get(message.path or "")
        if node is not None and message.interface == PROPERTIES:
            return self._property(message, node)
        if node is None or message.interface != node.interface:
            return None
        return Message.new_method_return(message, *node.call(message.member or "", message.body, message.sender or ""))

    def _property(self, message: Message, node: Node) -> Message:
        if message.member == "GetAll":
            return Message.new_method_return(message, "a{sv}", [node.properties])
        if message.member == "Get" and message.body[1] in node.properties:
            return Message.new_method_return(message, "v", [node.properties[message.body[1]]])
        raise DBusError(ErrorType.INVALID_ARGS, f"{message.member}: no such property, or it cannot be set")

    def _watch(self, message: Message) -> None:
        if message.member == "NameOwnerChanged" and message.sender == "org.freedesktop.DBus":
            name, _, new_owner = message.body
            if not new_owner:
                self._left(name)

    @staticmethod
    def _interfaces(node: Node) -> dict[str, dict[str, Variant]]:
        return {node.interface: node.properties}

    def _signal(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        if self._bus.connected:
            self._bus.send(Message.new_signal(path, interface, member, signature, body))
