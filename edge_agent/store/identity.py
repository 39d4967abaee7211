"""The gateway's id: made once, then for ever the same."""

import re
from contextlib import suppress
from pathlib import Path
from random import SystemRandom

from edge_agent.core.errors import StoreError
from edge_agent.core.request import CODE_ALPHABET
from edge_agent.store import files

NAME = "gateway-id"
# 31 characters without those that look alike, ten of them: 49 bits, readable over a phone and not to be guessed.
_LENGTH = 10
_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def gateway_id(folder: Path, problems: list[str]) -> str:
    """The id in the state folder, made where there is none: `gw-` and ten characters. Never raises.

    A file that holds none is put aside; an id that cannot be written is good until the process ends. Both are told
    to `problems`.
    """
    path = folder / NAME
    try:
        text = path.read_text("ascii").strip()
        if _ID.fullmatch(text):
            return text
        problems.append(f"{path} holds no gateway id and was put aside: this gateway has a new one")
    except FileNotFoundError:
        pass
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{path} cannot be read and was put aside, this gateway has a new id: {error}")
    with suppress(OSError):
        if path.exists():
            files.put_aside(path)
    made = "gw-" + "".join(SystemRandom().choices(CODE_ALPHABET, k=_LENGTH)).lower()
    try:
        files.replace_file(path, made.encode() + b"\n")
    except StoreError as error:
        problems.append(f"the gateway's id changes with every start: {error}")
    return made
