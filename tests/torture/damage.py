"""What may happen to a file at rest."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

PAGE = 4096
NOBODY = 65534


def flip(path: Path, chance: random.Random) -> None:
    """A bit here and there."""
    data = bytearray(path.read_bytes())
    for _ in range(3 if data else 0):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def cut_short(path: Path, chance: random.Random) -> None:
    """The end is missing."""
    os.truncate(path, chance.randrange(path.stat().st_size + 1))


def empty(path: Path, _chance: random.Random) -> None:
    """Nothing is left but the name."""
    os.truncate(path, 0)


def delete(path: Path, _chance: random.Random) -> None:
    """Not even the name."""
    path.unlink()


def zero_page(path: Path, chance: random.Random) -> None:
    """A page that never arrived."""
    data = bytearray(path.read_bytes())
    at = chance.randrange(len(data) // PAGE + 1) * PAGE
    data[at : at + PAGE] = bytes(len(data[at : at + PAGE]))
    path.write_bytes(data)


def noise(path: Path, chance: random.Random) -> None:
    """A page of something else."""
    data = bytearray(path.read_bytes())
    at = chance.randrange(len(data) // PAGE + 1) * PAGE
    data[at : at + PAGE] = chance.randbytes(len(data[at : at + PAGE]))
    path.write_bytes(data)


def folder(path: Path, _chance: random.Random) -> None:
    """A folder where a file should be, with something in it."""
    path.unlink()
    path.mkdir()
    (path / "something").write_text("something")


def forbid(path: Path, _chance: random.Random) -> None:
    """Somebody else's file; counts only for a user who is not root."""
    path.chmod(0)


def foreign(path: Path, _chance: random.Random) -> None:
    """It belongs to root, who ran the agent by hand once; nothing for a user who is not root."""
    if os.geteuid() == 0:
        os.chown(path, 0, 0)
        path.chmod(0o600)


def foreign_to_read(path: Path, chance: random.Random) -> None:
    """The same, but it may be read."""
    foreign(path, chance)
    path.chmod(0o644)


def write_protect(path: Path, _chance: random.Random) -> None:
    """It may be read; counts only for a user who is not root."""
    path.chmod(0o444)


Damage = Callable[[Path, random.Random], None]
DAMAGES: tuple[Damage, ...] = (
    flip,
    cut_short,
    empty,
    delete,
    zero_page,
    noise,
    folder,
    forbid,
    foreign,
    foreign_to_read,
    write_protect,
)


def give_away(tree: Path) -> None:
    """Let an ordinary user own it, so that what is forbidden is forbidden."""
    for path in (tree, *tree.rglob("*")):
        shutil.chown(path, NOBODY, NOBODY)
