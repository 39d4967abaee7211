"""What a guest starts from: a kernel, an initrd and a root file system, built from packages in about a minute.

Everything comes by the machine's own apt and pip, and lies in a folder of the user's cache, named after what it was
made from: another Debian suite, other requirements or other code of this folder make another image, and the old one
goes.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.vm import kernel, pins, root

SIZE = "1G"
OLD_S = 86400.0
PROGRAMS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "mmdebstrap": "mmdebstrap",
    "busybox": "busybox-static",
    "cpio": "cpio",
    "depmod": "kmod",
    "zstd": "zstd",
    "xz": "xz-utils",
    "mke2fs": "e2fsprogs",
    "swig": "swig",
    "gcc": "gcc",
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
}
_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def missing() -> str:
    """Why there can be no guest here, with what would help; empty when there can."""
    if platform.machine() != "x86_64":
        return f"the virtual machine is made for x86_64, and this is {platform.machine()}"
    if os.geteuid() != 0:
        return "the virtual machine's image is built by root"
    absent = sorted(package for program, package in PROGRAMS.items() if shutil.which(program, path=_PATH) is None)
    if not Path("/usr/include/stdio.h").exists():
        absent.append("libc6-dev")
    if absent:
        return f"the virtual machine needs: apt-get install {' '.join(absent)}"
    if not kernel.mirror():
        return "apt knows no Debian here (apt-get update), which the virtual machine is made of"
    return ""


def say(text: str) -> None:
    """A line of progress."""
    print(f"[vm {time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)  # noqa: T201 - for a person


def report(text: str) -> None:
    """A figure for the end of a test."""
    say(f"RESULT {text}")


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say what was done and how long it took."""
    began = time.monotonic()
    yield
    say(f"{what}: {time.monotonic() - began:.1f} s")


class Image:
    """A built image. Raises OSError or subprocess.CalledProcessError where it cannot be built."""

    def __init__(self) -> None:
        self.folder = cache() / _fingerprint()
        self.kernel = self.folder / "vmlinux"
        self.initrd = self.folder / "initrd"
        self.disk = self.folder / "root.ext4"
        if not self.folder.exists():
            self._build()
        os.utime(self.folder)

    def _build(self) -> None:
        began = time.monotonic()
        say("Building the guest's image: a Debian with the agent in it, about a minute ...")
        cache().mkdir(parents=True, exist_ok=True)
        self._forget_old()
        in_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        with tempfile.TemporaryDirectory(prefix="edge-vm-", dir=in_memory) as made:
            work = Path(made)
            work.chmod(0o755)
            (work / "image").mkdir()
            self._parts(work, work / "image")
            if not self.folder.exists():  # another checkout may have been quicker
                part = Path(tempfile.mkdtemp(dir=cache()))
                kernel.run("cp", "--sparse=always", "-r", f"{work}/image/.", part)
                part.rename(self.folder)
        say(f"The image is built, in {time.monotonic() - began:.0f} s: {self.folder}")

    def _forget_old(self) -> None:
        """Drop images that nobody has used for a day; a younger one may be another checkout's."""
        for old in cache().iterdir():
            if time.time() - old.stat().st_mtime > OLD_S:
                shutil.rmtree(old, ignore_errors=True)

    def _parts(self, work: Path, to: Path) -> None:
        for name in ("kernel", "root", "wheels", "lgpio"):
            (work / name).mkdir()
        with ThreadPoolExecutor(4) as pool:
            got_kernel = pool.submit(_timed, "kernel", kernel.fetch, work / "kernel")
            got_root = pool.submit(_timed, "Debian", root.debootstrap, work / "root")
            got_wheels = pool.submit(_timed, "wheels", root.download_wheels, work / "wheels")
            got_lgpio = pool.submit(_timed, "lgpio", _lgpio, work / "lgpio")
        tree, system = got_kernel.result(), got_root.result()
        with step("the agent, installed as the README says"):
            root.install_agent(system, got_wheels.result(), got_lgpio.result())
        with step("kernel, modules and set-up"):
            kernel.write_vmlinux(tree, to / self.kernel.name)
            kernel.write_initrd(tree, work / "initrd", to / self.initrd.name)
            kernel.install_modules(tree, system)
            root.set_up(system)
        with step("disk"):
            disk = to / self.disk.name
            kernel.run("truncate", "-s", SIZE, disk)
            options = ("-O", "^metadata_csum_seed,^orphan_file", "-E", "lazy_itable_init=0")
            kernel.run("mke2fs", "-q", "-t", "ext4", "-m", "0", *options, "-d", system, disk)


def _lgpio(work: Path) -> list[Path]:
    return pins.build(work, root.SUITE, root.PYTHON)


def cache() -> Path:
    """Where images lie; nothing else is in there."""
    folder = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(folder) / "edge-agent-vm"


def _timed(what: str, work: Callable[[Path], object], folder: Path) -> object:
    with step(what):
        try:
            return work(folder)
        except subprocess.CalledProcessError as error:
            error.add_note(f"{error.stdout or ''}{error.stderr or ''}"[-2000:])
            raise


def _fingerprint() -> str:
    here = Path(__file__).parent
    made_from = [Path(module.__file__ or "").read_text() for module in (kernel, pins, root)]
    made_from += [Path(__file__).read_text(), (here / "guest/agent.py").read_text()]
    made_from += [*root.requirements(), (root.PROJECT / "constraints.txt").read_text()]
    return hashlib.sha256("\0".join(made_from).encode()).hexdigest()[:12]


if __name__ == "__main__":
    Image()
