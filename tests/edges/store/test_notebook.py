"""The notebook: rows that are there after a power cut, and a disk that fails costs nothing but time."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core.errors import StoreError
from edge_agent.store.notebook import Notebook

CHILD = """
import asyncio, sys
from pathlib import Path
from edge_agent.store.notebook import Notebook
async def main():
    book = Notebook(Path(sys.argv[1]))
    for n in range(10_000):
        book.write("page", f"k{n:05}", [n])
        await book.commit()
        print(n, flush=True)
asyncio.run(main())
"""


def test_what_was_committed_is_there_when_the_process_is_killed(tmp_path: Path) -> None:
    file, committed = tmp_path / "book.db", -1
    with subprocess.Popen([sys.executable, "-c", CHILD, str(file)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for _ in range(25):
            committed = int(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
    book = Notebook(file)
    rows = book.page("page")
    assert len(rows) >= committed + 1
    assert rows[f"k{committed:05}"] == [committed]
    book.close()


async def test_a_row_is_read_back_before_and_after_it_is_on_disk(tmp_path: Path) -> None:
    book = Notebook(tmp_path / "book.db")
    book.write("a", "k", {"n": 1, "b": b"\x00"})
    assert await book.row("a", "k") == {"n": 1, "b": b"\x00"}
    assert book.waits
    await book.commit()
    assert not book.waits
    assert await book.row("a", "k") == {"n": 1, "b": b"\x00"}
    assert await book.row("b", "k") is None
    book.write("a", "k", None)
    assert await book.row("a", "k") is None
    await book.commit()
    assert book.page("a") == {}
    book.close()


async def test_what_the_disk_refuses_goes_with_the_next_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = Notebook(tmp_path / "book.db")

    async def refuse(_work: object) -> None:
        raise StoreError("the card is gone", fix="Put it back.")

    with monkeypatch.context() as broken:
        broken.setattr(book._database, "run", refuse)
        book.write("a", "one", 1)
        with pytest.raises(StoreError, match="the card is gone"):
            await book.commit()
        book.write("a", "one", 2)
        book.write("a", "two", 3)
    await book.commit()
    assert book.page("a") == {"one": 2, "two": 3}
    book.close()


@pytest.mark.parametrize("damage", [b"", b"nothing of the kind", b"\x00" * 9000])
async def test_a_file_that_is_no_database_is_put_aside_and_told(tmp_path: Path, damage: bytes) -> None:
    file = tmp_path / "book.db"
    file.write_bytes(damage)
    book = Notebook(file)
    assert book.page("a") == {}
    assert bool(book.problems) == bool(damage)
    book.write("a", "k", 1)
    await book.commit()
    book.close()
    assert Notebook(file).page("a") == {"k": 1}


async def test_where_there_can_be_no_file_nothing_is_lost_but_what_is_written(tmp_path: Path) -> None:
    (tmp_path / "book.db").write_bytes(b"")
    (tmp_path / "folder").write_bytes(b"a file where a folder should be")
    book = Notebook(tmp_path / "folder" / "book.db")
    assert book.page("a") == {}
    assert book.problems
    book.write("a", "k", 1)
    with pytest.raises(StoreError):
        await book.commit()
    assert await book.row("a", "k") == 1
    book.close()


_KEYS = st.sampled_from("abc")
_VALUES = st.one_of(st.none(), st.integers(-(2**63), 2**63), st.text())


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(_KEYS, _KEYS, _VALUES), max_size=20),
    st.data(),
)
def test_it_is_a_dictionary_of_dictionaries_that_lasts(tmp_path_factory, steps, data) -> None:
    file, model = tmp_path_factory.mktemp("book") / "book.db", dict[tuple[str, str], object]()

    async def live() -> None:
        book = Notebook(file)
        for page, key, value in steps:
            book.write(page, key, value)
            model[page, key] = value
            if data.draw(st.booleans()):
                await book.commit()
        book.close()

    asyncio.run(live())
    book = Notebook(file)
    for page in "abc":
        assert book.page(page) == {k: v for (p, k), v in model.items() if p == page and v is not None}
    book.close()
