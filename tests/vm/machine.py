"""One guest under QEMU, without KVM: boot it, save it booted and resume it, run things in it, pull the plug."""

import json
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from simulators.broker import tied
from tests.vm.channel import Channel, Command, GuestError, Hear
from tests.vm.image import Image
from tests.vm.kernel import run as host

MEMORY_MB = 512
BOOT_S = 180.0
# What the guest connects to on the host: forward={port there: port of the host's loopback}.
HOST = "10.0.2.100"
_KERNEL = (
    "console=ttyS0 quiet loglevel=4 panic=-1 nokaslr mitigations=off random.trust_cpu=on audit=0 net.ifnames=0 "
    "no_timer_check lsm=landlock,lockdown,yama,apparmor tsc=reliable rcupdate.rcu_expedited=1 8250.nr_uarts=3 "
    "systemd.show_status=0 systemd.default_standard_output=journal"
)


class Saved:
    """The state of a booted guest, in a folder; many guests may be resumed from it."""

    def __init__(self, folder: Path) -> None:
        self.disk = folder / "root.qcow2"
        self.state = folder / "state"


class Machine:
    """A disposable guest: a context manager that starts it and leaves nothing.

    Its root disk is an overlay on the image (or on what was `saved`). `data` is the disk /dev/vdb, QEMU's words for it;
    without it there is a blank one of 64 MB. /dev/ttyS1 is the socket `uart`, /dev/ttyS2 `radio`. `rtc`: the time in
    its hardware clock, such as 2020-01-01T00:00:00. It reaches nothing but what `forward` names, at HOST.

    One virtual processor: with two, QEMU 7.2 died of self-modifying code once in 45 boots.
    """

    def __init__(
        self,
        image: Image,
        *,
        saved: Saved | None = None,
        data: str = "",
        rtc: str = "",
        forward: Mapping[int, int] | None = None,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="edge-guest-"))
        self.uart = self.folder / "uart"
        self.radio = self.folder / "radio"
        self._image = image
        self._saved = saved
        self._rtc = rtc
        self._forward = dict(forward or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        base, kind = (saved.disk, "qcow2") if saved else (image.disk, "raw")
        host("qemu-img", "create", "-q", "-f", "qcow2", "-F", kind, "-b", base, self.folder / "root.qcow2")
        if not data:
            host("truncate", "-s", "64M", self.folder / "data")
        self.data = data or f"file={self.folder}/data,format=raw"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if error is not None and (console := self.folder / "console").exists():
            error.add_note("The guest's console ends:\n" + console.read_text(errors="replace")[-1500:])
        self.cut()
        shutil.rmtree(self.folder)

    @property
    def running(self) -> bool:
        """Whether QEMU runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Boot it, or resume what was saved; back when its agent answers. Raises GuestError."""
        resume, self._saved = self._saved, None  # after a cut it boots from its disk, as any computer
        (self.folder / "control").unlink(missing_ok=True)
        words = [*tied(), *self._words(resume)]
        with (self.folder / "qemu.log").open("ab") as log:
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if resume:
            self._go_on()
        self._connect()
        if resume:
            self.set_clock(time.time())

    def save(self, folder: Path) -> Saved:
        """Keep its state and its disk in `folder`, and end it."""
        saved = Saved(folder)
        self.run("sync; echo 3 >/proc/sys/vm/drop_caches")
        self.qmp("stop")
        self.qmp("migrate", uri=f"exec:cat >{saved.state}")
        while (status := self.qmp("query-migrate").get("status")) != "completed":
            if status == "failed":
                raise GuestError("its state cannot be saved")
            time.sleep(0.1)
        self.qmp("quit")
        self._end()
        shutil.copy(self.folder / "root.qcow2", saved.disk)
        return saved

    def cut(self) -> None:
        """Pull the plug: SIGKILL of QEMU."""
        if self.running and self._process is not None:
            self._process.send_signal(signal.SIGKILL)
        self._end()

    def set_clock(self, unix_s: float) -> None:
        """The guest's wall clock."""
        self.run(["date", "-s", f"@{unix_s:.3f}"])

    def begin(self, command: str | list[str], *, stdin: bytes = b"", hear: Hear | None = None) -> Command:
        """Start a command in the guest; a string goes to its shell. `hear` gets each line when it is said."""
        if self._channel is None:
            raise GuestError("the guest does not run")
        words = ["sh", "-c", command] if isinstance(command, str) else command
        return self._channel.begin(words, stdin, hear)

    def run(self, command: str | list[str], *, stdin: bytes = b"", timeout_s: float = 300.0, check: bool = True) -> str:
        """Run a command in the guest to its end; what it said. Raises GuestError when it fails, unless not `check`."""
        done = self.begin(command, stdin=stdin).wait(timeout_s)
        if check and done.returncode:
            raise GuestError(f"{command} in the guest ended with {done.returncode}:\n{done.stdout[-3000:]}")
        return done.stdout

    def put(self, path: str, text: str) -> None:
        """A file in the guest; its folder is made."""
        script = 'mkdir -p "$(dirname "$1")" && cat >"$1"'
        self.run(["sh", "-c", script, "sh", path], stdin=text.encode())

    def put_tree(self, local: Path, path: str) -> None:
        """All that is in a folder of the host into one of the guest."""
        packed = BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            for each in local.iterdir():
                tar.add(each, each.name)
        self.run(f"mkdir -p {path} && tar -C {path} --no-same-owner -xzf -", stdin=packed.getvalue())

    def qmp(self, command: str, **arguments: Any) -> Any:
        """A word with QEMU itself, for plugs and cables. Raises GuestError, OSError."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.folder / "qmp"))
            talk = connection.makefile("rw")
            talk.readline()
            answer: dict[str, Any] = {}
            for words in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
                talk.write(json.dumps(words) + "\n")
                talk.flush()
                answer = {"event": ""}
                while "event" in answer:
                    answer = json.loads(talk.readline() or '{"error": "QEMU is gone"}')
        if "error" in answer:
            raise GuestError(f"{command}: {answer['error']}")
        return answer["return"]

    def _words(self, resume: Saved | None) -> list[str]:
        here = self.folder
        forward = "".join(
            f",guestfwd=tcp:{HOST}:{there}-cmd:busybox nc 127.0.0.1 {port}" for there, port in self._forward.items()
        )
        words = [
            *("qemu-system-x86_64", "-M", "q35,accel=tcg,usb=off,vmport=off,smbus=off", "-cpu", "Nehalem"),
            *("-smp", "1", "-m", str(MEMORY_MB), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
            *("-kernel", str(self._image.kernel), "-initrd", str(self._image.initrd), "-append", _KERNEL),
            *("-serial", f"file:{here}/console", "-qmp", f"unix:{here}/qmp,server=on,wait=off"),
            *("-chardev", f"socket,id=uart,path={self.uart},server=on,wait=off"),
            *("-device", "isa-serial,chardev=uart,index=1"),
            *("-chardev", f"socket,id=radio,path={self.radio},server=on,wait=off"),
            *("-device", "isa-serial,chardev=radio,index=2"),
            *("-device", "virtio-serial-pci", "-device", "virtserialport,chardev=control,name=edge.control"),
            *("-chardev", f"socket,id=control,path={here}/control,server=on,wait=off"),
            *("-device", "virtio-rng-pci", "-device", "qemu-xhci,id=xhci", "-device", "i6300esb"),
            *("-drive", f"file={here}/root.qcow2,if=virtio,format=qcow2", "-drive", f"{self.data},if=virtio"),
            *("-netdev", f"user,id=n0,restrict=on{forward}"),
            *("-device", "virtio-net-pci,netdev=n0,id=nic,romfile="),
        ]
        if self._rtc:
            words += ["-rtc", f"base={self._rtc}"]
        return words + (["-incoming", f"exec:cat {resume.state}"] if resume else [])

    def _go_on(self) -> None:
        """What was saved was stopped."""
        until = time.monotonic() + BOOT_S
        while time.monotonic() < until and self.running:
            with suppress(OSError):
                if self.qmp("query-status")["status"] != "inmigrate":
                    self.qmp("cont")
                    return
            time.sleep(0.02)
        raise GuestError(f"what was saved does not load: {self._last_words()}")

    def _connect(self) -> None:
        until = time.monotonic() + BOOT_S
        while time.monotonic() < until:
            if not self.running:
                raise GuestError(f"QEMU ended: {self._last_words()}")
            with suppress(OSError):
                self._channel = self._channel or Channel(self.folder / "control")
                if self._channel.answers(1.0):
                    return
            time.sleep(0.05)
        raise GuestError(f"the guest did not come up in {BOOT_S:g} s")

    def _end(self) -> None:
        if self._process is not None:
            self._process.wait(20.0)
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _last_words(self) -> str:
        return (self.folder / "qemu.log").read_text(errors="replace")[-1000:]


def network_up(machine: Machine) -> None:
    """Give the guest its address; QEMU's user network has these numbers."""
    machine.run("ip link set lo up; ip address add 10.0.2.15/24 dev eth0; ip link set eth0 up")
