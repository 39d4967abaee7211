import asyncio
import os

import pytest
from driver_helpers import until

from edge_agent.config.model import FileInput
from edge_agent.core.reading import Content, Fault, Reading
from edge_agent.drivers import file as files
from edge_agent.drivers.file import MAX_BYTES, FileDriver, FileError, read
from firmware_bridges.registry import language

RIGHT = "72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t={}\n"


@pytest.fixture
def probes(tmp_path):
    """A folder as the kernel has one of 1-Wire."""
    folder = tmp_path / "w1"
    folder.mkdir()
    return folder


@pytest.fixture
def driver_of(device_of):
    def make(path, name="ds18b20", every_s=0.1, **options):
        spec = language(name)
        complete = {key: option.default for key, option in spec.options.items()} | options
        settings = FileInput(name="probe", path=str(path), language=name, every_s=every_s)
        return FileDriver(settings, device_of(spec.make("probe", complete)))

    return make


def put(folder, name, text):
    probe = folder / name
    probe.mkdir(exist_ok=True)
    (probe / "w1_slave").write_text(text, encoding="ascii")
    return probe / "w1_slave"


def told(got):
    return [(item.value, item.reason) for item in got if isinstance(item, Reading)]


async def test_a_probe_is_read_on_its_beat_by_a_path_with_a_star(driver_of, probes, got, running):
    path = put(probes, "28-0316a2799b1d", RIGHT.format(23125))
    driver = driver_of(probes / "28-*" / "w1_slave")
    running(driver)
    await until(lambda: got)
    assert driver.devices()[0].health.ready
    path.write_text(RIGHT.format(-10062), encoding="ascii")
    await until(lambda: told(got)[-1] == (-10.062, ""))
    assert told(got)[0] == (23.125, "")


async def test_a_probe_that_is_missing_is_a_state_and_back_when_it_is_there(driver_of, probes, got, running, said):
    driver = driver_of(probes / "28-*" / "w1_slave")
    running(driver)
    await until(lambda: got)
    await asyncio.sleep(0.25)
    row = driver.devices()[0]
    assert not row.health.ready
    assert "Connect the sensor" in row.health.fix
    assert [item.code for item in got if isinstance(item, Fault)] == ["missing"]
    assert driver.health.ready
    put(probes, "28-0316a2799b1d", RIGHT.format(1000))
    await until(lambda: told(got))
    assert driver.devices()[0].health.ready
    assert [line["event"] for line in said] == ["lost", "back"]


def test_a_star_that_fits_several_files_names_them(probes):
    put(probes, "28-1", RIGHT.format(1))
    put(probes, "28-2", RIGHT.format(2))
    with pytest.raises(FileError, match="is 2 files") as caught:
        read(str(probes / "28-*" / "w1_slave"))
    assert caught.value.code == "several"
    assert "Name one" in caught.value.fix


@pytest.mark.parametrize(("make", "code"), [("folder", "failed"), ("nothing", "missing"), ("below a file", "missing")])
def test_what_cannot_be_read_says_why(tmp_path, make, code):
    path = tmp_path / "thing"
    if make == "folder":
        path.mkdir()
    elif make == "below a file":
        path.write_text("x")
        path = path / "value"
    with pytest.raises(FileError) as caught:
        read(str(path))
    assert caught.value.code == code
    assert caught.value.fix


@pytest.mark.skipif(os.geteuid() == 0 and not hasattr(os, "seteuid"), reason="needs to become somebody else")
def test_a_file_that_is_not_allowed_says_so(tmp_path):
    path = tmp_path / "value"
    path.write_text("1")
    path.chmod(0)
    tmp_path.chmod(0o755)
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    try:
        with pytest.raises(FileError) as caught:
            read(str(path))
    finally:
        os.seteuid(me)
    assert caught.value.code in {"denied", "missing"}  # the folder above may be closed too


def test_no_more_than_a_page_is_read_of_a_file(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(b"x" * 100_000)
    assert len(read(str(path))) == MAX_BYTES


async def test_a_file_that_hangs_is_said_once_and_is_not_asked_by_ever_more_threads(
    driver_of, tmp_path, got, running, monkeypatch
):
    monkeypatch.setattr(files, "ANSWER_S", 0.05)
    pipe = tmp_path / "value"
    os.mkfifo(pipe)  # to open it for reading waits for a writer, as a dead bus does
    driver = driver_of(pipe, "number")
    running(driver)
    await until(lambda: got)
    await asyncio.sleep(0.3)
    assert [item.code for item in got] == ["hangs"]
    first = driver._reading
    assert first is not None
    with pipe.open("w", encoding="ascii") as writer:
        writer.write("5\n")
    await until(lambda: told(got))
    assert told(got) == [(5.0, "")]
    if driver._reading is not None:
        with pipe.open("w", encoding="ascii") as writer:  # lets the next thread go, too
            writer.write("6\n")


async def test_files_that_hang_leave_the_threads_of_all_others_free(driver_of, tmp_path, got, running, monkeypatch):
    monkeypatch.setattr(files, "ANSWER_S", 0.05)
    pipes = [tmp_path / f"value{number}" for number in range(40)]  # asyncio's own pool has 32 threads at the most
    for pipe in pipes:
        os.mkfifo(pipe)
        running(driver_of(pipe, "number"))
    await until(lambda: len(got) == len(pipes))
    elsewhere = asyncio.ensure_future(asyncio.to_thread(lambda: "connected"))
    done, _ = await asyncio.wait({elsewhere}, timeout=5.0)
    for pipe in pipes:  # lets them go
        end = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        pipe.unlink()
        os.close(end)
    assert done, "connecting to the service would wait for sensors"


async def test_a_kernels_own_number_is_read_as_it_is(driver_of, got, running):
    running(driver_of("/proc/sys/kernel/pid_max", "number", quantity="pids"))
    await until(lambda: got)
    assert got[0].channel.name == "probe.pids"
    assert got[0].value > 1000


async def test_a_bridge_that_raises_does_not_end_the_driver(device_of, tmp_path, running):
    class Broken:
        def feed(self, chunk, _at):
            assert isinstance(chunk, Content)
            raise RuntimeError("oh")

        def next(self, _now):
            return None, None

    heard = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: heard.append(context["exception"]))
    path = tmp_path / "value"
    path.write_text("1")
    driver = FileDriver(FileInput(name="p", path=str(path), language="number", every_s=0.1), device_of(Broken(), "p"))
    task = running(driver)
    await until(lambda: heard)
    assert not task.done()
    assert not driver.devices()[0].health.ready
