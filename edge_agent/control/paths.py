"""Where the control socket is: one rule for the agent that opens it and for the consoles that look for it."""

import os
from pathlib import Path

SOCKET_NAME = "control.sock"
_READ_SUFFIX = "-read"
SOCKET_ENV = "EDGE_AGENT_SOCKET"
SERVICE_FOLDER = Path("/run/edge-agent")


def runtime_folder() -> Path:
    """The folder for the socket when none is configured.

    A service has the folder that systemd made for it (RUNTIME_DIRECTORY) or, as root, /run/edge-agent. A user has
    the XDG runtime folder or, without a login session, the XDG state folder: never a guessable name in /tmp.
    """
    given = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    if given:
        return Path(given)
    return SERVICE_FOLDER if os.geteuid() == 0 else _user_folders()[0]


def default_socket(runtime: str = "") -> Path:
    """The socket's path in the configured runtime folder, or in the usual one when that is empty."""
    return (Path(runtime) if runtime else runtime_folder()) / SOCKET_NAME


def read_socket(path: Path) -> Path:
    """The socket for those who only look, beside the one at `path`: control-read.sock."""
    return path.with_name(f"{path.stem}{_READ_SUFFIX}{path.suffix}")


def find_socket(option: str | None = None) -> Path:
    """The socket a console should try: the option, EDGE_AGENT_SOCKET, or the first usual place that has one.

    Who may use only the socket beside it, for those who look, gets that one. A place that may not be looked into counts
    as having one: its error names the group to join. Where nothing is found the first usual place is given, and
    connecting to it fails with a sentence.
    """
    named = option or os.environ.get(SOCKET_ENV)
    if named:
        return Path(named)
    usual = [folder / SOCKET_NAME for folder in (SERVICE_FOLDER, *_user_folders())]
    found = next((path for path in usual if is_there(path)), usual[0])
    only_look = not os.access(found, os.W_OK) and os.access(read_socket(found), os.W_OK)
    return read_socket(found) if only_look else found


def _user_folders() -> list[Path]:
    session = os.environ.get("XDG_RUNTIME_DIR")
    state = Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser()
    return [Path(folder) / "edge-agent" for folder in (session, state) if folder]


def is_there(path: Path) -> bool:
    """Whether something is at this path, or may be: who may not look into its folder cannot know."""
    try:
        path.lstat()
    except PermissionError:
        return True
    except OSError:
        return False
    return True
