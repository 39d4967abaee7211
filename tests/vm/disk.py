"""A disk with a volatile write cache for a guest: an NBD server that remembers every write and every flush.

What would have survived a cut, now or at any moment before, is told afterwards by tests/torture/powerdisk.py: of what
was not flushed each sector is lost with p = 0.5, in no order. No cache mode of QEMU shows a missing flush; this does.

A disk that lies says that it has flushed, and has not: only what fell out of its small cache is safe.
"""

import os
import socket
import struct
import threading
import time
from contextlib import suppress
from pathlib import Path

from tests.torture.powerdisk import Entry, cuts

LIAR_BYTES = 1024 * 1024
# github.com/NetworkBlockDevice/nbd, doc/proto.md: fixed newstyle, simple replies.
_MAGIC, _OPTION_MAGIC, _OPTION_REPLY = 0x4E42444D41474943, 0x49484156454F5054, 0x0003E889045565A9
_REQUEST, _REPLY = 0x25609513, 0x67446698
_HAS_FLAGS, _SEND_FLUSH = 1, 4  # without FUA: the kernel then flushes instead
_EXPORT_NAME, _ABORT, _INFO, _GO = 1, 2, 6, 7
_ACK, _INFORMATION, _UNSUPPORTED = 1, 3, 0x80000001
_READ, _WRITE, _DISCONNECT, _FLUSH = 0, 1, 2, 3


class Disk:
    """Serves the content of the file `begin` on a Unix socket to one QEMU after the other; `begin` stays as it is.

    `words` is for a Machine's `data`.
    """

    def __init__(self, begin: Path, place: Path, *, lies: bool = False) -> None:
        self.words = f"driver=nbd,server.type=unix,server.path={place}"
        self._begin = begin.read_bytes()
        self._content = bytearray(self._begin)
        self._lies = lies
        self._entries: list[Entry] = []
        self._server = socket.socket(socket.AF_UNIX)
        place.unlink(missing_ok=True)
        self._server.bind(os.fspath(place))
        self._server.listen(1)
        self._thread = threading.Thread(target=self._serve, name="disk", daemon=True)
        self._thread.start()

    def entries(self) -> list[Entry]:
        """All that it was told, in order; for a liar, what really happened."""
        told = list(self._entries)
        return _lied(told) if self._lies else told

    def cut(self, seed: int, to: Path, at_ns: int | None = None) -> None:
        """Write to the file `to` what a cut at this monotonic instant (default: now) leaves."""
        instant = time.monotonic_ns() if at_ns is None else at_ns
        for _, content in cuts(self._begin, self.entries(), [instant], seed):
            to.write_bytes(content)

    def close(self) -> None:
        """After the guest is gone."""
        self._server.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                with connection, suppress(EOFError, OSError):
                    talk = _Talk(connection)
                    talk.agree(len(self._content))
                    self._answer(talk)

    def _answer(self, talk: "_Talk") -> None:
        """Until the other side goes, with a goodbye or without."""
        while True:
            magic, _flags, command, cookie, offset, length = struct.unpack(">IHHQQI", talk.get(28))
            body = b""
            if magic != _REQUEST or command == _DISCONNECT:
                return
            if command == _READ:
                body = bytes(self._content[offset : offset + length])
            elif command == _WRITE:
                data = talk.get(length)
                self._content[offset : offset + length] = data
                self._entries.append(Entry(time.monotonic_ns(), offset, data))
            elif command == _FLUSH:
                self._entries.append(Entry(time.monotonic_ns(), -1, b""))
            talk.put(struct.pack(">IIQ", _REPLY, 0, cookie) + body)


class _Talk:
    """One connection's bytes, and how NBD begins."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._reader = connection.makefile("rb", buffering=1 << 20)

    def get(self, count: int) -> bytes:
        data = self._reader.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def put(self, data: bytes) -> None:
        self._socket.sendall(data)

    def agree(self, size: int) -> None:
        """Handshake: there is one export, whatever it is called. Raises EOFError."""
        self.put(struct.pack(">QQH", _MAGIC, _OPTION_MAGIC, 1 | 2))
        no_zeroes = struct.unpack(">I", self.get(4))[0] & 2
        while True:
            _magic, option, length = struct.unpack(">QII", self.get(16))
            self.get(length)
            if option == _EXPORT_NAME:
                self.put(struct.pack(">QH", size, _HAS_FLAGS | _SEND_FLUSH) + (b"" if no_zeroes else bytes(124)))
                return
            if option in (_INFO, _GO):
                self._reply(option, _INFORMATION, struct.pack(">HQH", 0, size, _HAS_FLAGS | _SEND_FLUSH))
                self._reply(option, _INFORMATION, struct.pack(">HIII", 3, 512, 4096, 32 << 20))  # block sizes
                self._reply(option, _ACK)
                if option == _GO:
                    return
            elif option == _ABORT:
                self._reply(option, _ACK)
                raise EOFError
            else:
                self._reply(option, _UNSUPPORTED)

    def _reply(self, option: int, kind: int, body: bytes = b"") -> None:
        self.put(struct.pack(">QIII", _OPTION_REPLY, option, kind, len(body)) + body)


def _lied(told: list[Entry]) -> list[Entry]:
    """No flush happened; of the writes the last LIAR_BYTES are not safe, as with a full cache that writes on."""
    writes = [entry for entry in told if entry.offset >= 0]
    waiting, safe = 0, len(writes)
    while safe and waiting + len(writes[safe - 1].data) <= LIAR_BYTES:
        safe -= 1
        waiting += len(writes[safe].data)
    return [*writes[:safe], Entry(0, -1, b""), *writes[safe:]] if safe else writes
