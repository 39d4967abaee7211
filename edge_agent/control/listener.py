"""The Unix socket that the server listens on: made, guarded against a second agent, and removed again."""

import grp
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from edge_agent.control.errors import ControlError
from edge_agent.control.paths import read_socket

# sun_path of unix(7) holds 108 bytes with the closing zero, and the socket beside it has "-read" in its name.
LONGEST_PATH = 102
BACKLOG = 100
_log = structlog.get_logger("control")


@contextmanager
def listening(path: Path, read_group: str = "") -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two sockets that listen for as long as the context lasts: at `path`, and beside it the one for `read_group`.

    Both have mode 0660; their folder is made if missing. A dead agent's sockets are replaced. Raises ControlError where
    somebody answers on them, where something that is not a socket has the name, and where folder or path will not do.
    """
    if len(os.fsencode(path)) > LONGEST_PATH:
        fix = f"Set control.socket to a path of at most {LONGEST_PATH} bytes."
        raise ControlError(f"the path of the control socket is too long: {path}", fix=fix)
    with _one(path, "") as full, _one(read_socket(path), read_group) as reading:
        yield full, reading


@contextmanager
def _one(path: Path, group: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as server:
        try:
            path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            _clear(path)
            server.bind(os.fspath(path))
            # between bind and listen nobody can connect, so there is no moment with wider permissions
            path.chmod(0o660)
            _hand_over(path, group)
            server.listen(BACKLOG)
            mine = path.lstat()
        except OSError as error:
            fix = "Give the agent's user a folder it may write to, in control.socket or paths.runtime."
            raise ControlError(f"the control socket {path} cannot be made: {error.strerror}", fix=fix) from error
        try:
            yield server
        finally:
            _remove(path, mine)


def _hand_over(path: Path, group: str) -> None:
    """To the group that may look. Where there is none, or we are not in it, it stays with our own: never wider."""
    if not group:
        return
    try:
        os.chown(path, -1, grp.getgrnam(group).gr_gid)
    except KeyError:
        _log.debug("nobody_may_only_look", why=f"this machine has no group {group}")
    except PermissionError:
        _log.warning("nobody_may_only_look", why=f"the agent's user is not in the group {group}")


def _clear(path: Path) -> None:
    """Remove what a dead agent left; refuse to touch anything else."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        fix = "Move it away, or set control.socket to another path."
        raise ControlError(f"{path} exists and is not a socket, so it is not deleted", fix=fix)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        try:
            probe.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
        except BlockingIOError:
            pass  # its backlog is full: somebody lives there
    fix = "Stop the other one, or give this one its own paths.state and control.socket."
    raise ControlError(f"another agent already answers on {path}", fix=fix)


def _remove(path: Path, mine: os.stat_result) -> None:
    """Take the name away again, unless it is somebody else's by now."""
    try:
        found = path.lstat()
        if (found.st_dev, found.st_ino) == (mine.st_dev, mine.st_ino):
            path.unlink()
    except OSError:
        return  # gone with its folder: nothing is left to remove
