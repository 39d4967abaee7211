"""What nothing can beat: raw file appends and a raw MQTT socket with packets made beforehand."""

import os
import socket
import struct
from collections.abc import Sequence
from pathlib import Path

_ZEROS = bytes(1024 * 1024)


class RawFile:
    """A zero-filled file, written from its start: each commit is one pwrite and one fdatasync."""

    def __init__(self, path: Path, size: int) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        for at in range(0, size, len(_ZEROS)):
            os.pwrite(self.fd, _ZEROS, at)
        os.fsync(self.fd)
        self._at = 0

    def commit(self, payloads: Sequence[bytes]) -> None:
        data = b"".join(payloads)
        os.pwrite(self.fd, data, self._at)
        os.fdatasync(self.fd)
        self._at += len(data)

    def close(self) -> None:
        os.close(self.fd)


class RawPublisher:
    """MQTT 3.1.1, QoS 1, on a blocking socket; at most `window` messages wait for their PUBACK, which is not read."""

    def __init__(self, port: int, topic: str = "edge/v1/bench/up/telemetry", window: int = 20) -> None:
        self._topic = text(topic)
        self._window = window
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10.0)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(packet(0x10, text("MQTT") + bytes([4, 2, 0, 60]) + text("bench-raw")))
        self._take(4)

    def packets(self, payloads: Sequence[bytes]) -> list[bytes]:
        return [
            packet(0x32, self._topic + struct.pack("!H", number % 65535 + 1) + payload)
            for number, payload in enumerate(payloads)
        ]

    def publish(self, packets: Sequence[bytes]) -> None:
        """All are acknowledged when this returns."""
        flying = done = sent = 0
        while done < len(packets):
            while sent < len(packets) and flying < self._window:
                self._socket.sendall(packets[sent])
                sent, flying = sent + 1, flying + 1
            answers = len(self._take(4)) // 4
            done, flying = done + answers, flying - answers

    def close(self) -> None:
        self._socket.close()

    def _take(self, multiple: int) -> bytes:
        data = self._socket.recv(4096)
        while len(data) % multiple or not data:
            more = self._socket.recv(4096)
            if not more:
                raise ConnectionError("the broker hung up")
            data += more
        return data


def text(told: str) -> bytes:
    return struct.pack("!H", len(told)) + told.encode()


def packet(kind: int, body: bytes) -> bytes:
    size, length = b"", len(body)
    while True:
        length, low = length >> 7, length & 0x7F
        size += bytes([low | (0x80 if length else 0)])
        if not length:
            return bytes([kind]) + size + body
