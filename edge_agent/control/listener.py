"""The Unix socket that the server listens on: made, guarded against a second agent, and removed again."""

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_agent.control.errors import ControlError

# sun_path of unix(7) holds 108 bytes with the closing zero.
LONGEST_PATH = 107
BACKLOG = 100


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """A socket that listens at `path`, mode 0660, for as long as the context lasts; its folder is made if missing.

    A dead agent's socket is replaced. Raises ControlError where somebody answers on it, where something that is not
    a socket has the name, and where the folder or path will not do.
    """
    if len(os.fsencode(path)) > LONGEST_PATH:
        fix = f"Set control.socket to a path of at most {LONGEST_PATH} bytes."
        raise ControlError(f"the path of the control socket is too long: {path}", fix=fix)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as server:
        try:
            path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            _clear(path)
            server.bind(os.fspath(path))
            # between bind and listen nobody can connect, so there is no moment with wider permissions
            path.chmod(0o660)
            server.listen(BACKLOG)
            mine = path.lstat()
        except OSError as error:
            fix = "Give the agent's user a folder it may write to, in control.socket or paths.runtime."
            raise ControlError(f"the control socket {path} cannot be made: {error.strerror}", fix=fix) from error
        try:
            yield server
        finally:
            _remove(path, mine)


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
