"""The guest's kernel: downloaded by the machine's own apt, unpacked on the host, with a few of its modules.

Debian's stable kernels have no gpio-sim; the one of the backports has. It comes as three packages: the binary, the
modules, and a base.
"""

import os
import re
import shutil
import struct
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

SUITE = "trixie-backports"
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
BOOT_MODULES = ("virtio_blk", "ext4")  # loaded by the initrd
MODULES = (
    *BOOT_MODULES,
    *("virtio_net", "virtio_rng", "overlay", "loop", "autofs4", "fuse", "af_packet"),
    *("gpio_sim", "xhci_pci", "usbserial", "ftdi_sio", "cp210x", "cdc_acm"),
    *("sch_netem", "sch_ingress", "ifb", "cls_matchall", "act_mirred", "i6300esb", "softdog"),
    *("nf_tables", "nft_chain_nat", "nft_ct"),
    *("hci_uart", "algif_hash", "algif_skcipher", "cmac", "ecb", "ccm", "uhid", "vcan", "can_raw"),
)
# Large folders of modules that no guest of ours needs are not even unpacked.
_NOT_UNPACKED = (
    *("sound", "drivers/gpu", "drivers/media", "drivers/infiniband", "drivers/net/ethernet", "drivers/net/wireless"),
    *("drivers/scsi", "drivers/staging", "drivers/hwmon", "drivers/iio", "drivers/ata", "drivers/mtd", "drivers/edac"),
    *("drivers/video", "drivers/mmc", "drivers/platform", "drivers/isdn", "drivers/leds", "drivers/nfc"),
    *("drivers/comedi", "drivers/accel", "drivers/input", "fs/xfs", "fs/btrfs", "fs/ocfs2", "fs/gfs2", "fs/ceph"),
    *("fs/smb", "fs/nfsd", "fs/bcachefs", "net/mac80211", "net/sctp", "net/tipc", "net/sunrpc"),
)
_INIT = """\
#!/bin/sh
b=/bin/busybox
$b mount -t devtmpfs d /dev
{insert}
i=0; while [ ! -b /dev/vda ] && [ $i -lt 500 ]; do $b usleep 10000; i=$((i+1)); done
$b mount -t ext4 -o rw,noatime /dev/vda /new || exec sh
$b mount --move /dev /new/dev
exec $b switch_root /new /sbin/init
"""


class NoKernelError(OSError):
    """The machine's apt cannot give the kernel that the guest needs: no fault of what is tested."""


class Kernel(NamedTuple):
    """`tree` is where its packages are unpacked (modules below usr/lib/modules)."""

    version: str
    tree: Path


def run(*words: object, **more: object) -> str:
    """A program of the host to its end; what it said. Raises subprocess.CalledProcessError."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    environment = {**os.environ, "PATH": path, "LC_ALL": "C.UTF-8"}
    done = subprocess.run([str(word) for word in words], check=True, text=True, stdout=-1, env=environment, **more)
    return done.stdout


def mirror() -> str:
    """Where this machine's own apt has Debian from. Empty: it has it from nowhere."""
    for line in run("apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN)").splitlines():
        uri, _, origin = line.partition(" ")
        if origin == "Debian" and "security" not in uri:
            return uri.rstrip("/")
    return ""


def sources(*suites: str) -> str:
    """Lines of a sources.list for these suites."""
    return "".join(f"deb [signed-by={_KEYRING}] {mirror()} {suite} main\n" for suite in suites)


def fetch(work: Path) -> Kernel:
    """Download and unpack the newest kernel of the backports into `work`. Raises NoKernelError."""
    try:
        version = _download(work)
    except subprocess.CalledProcessError as error:
        program = error.cmd[0]
        raise NoKernelError(f"{SUITE} cannot be had here: {program} ended with {error.returncode}") from error
    tree = work / "tree"
    tree.mkdir()
    for package in work.glob("*.deb"):
        _unpack(package, tree)
    run("depmod", "-b", tree / "usr", version)
    return Kernel(version, tree)


def _download(work: Path) -> str:
    apt = private_apt(work / "apt", SUITE)
    depends = run("apt-cache", *apt, "depends", "linux-image-amd64")
    found = re.search(r"Depends: linux-image-(\d\S+)", depends)
    if found is None:
        raise NoKernelError(f"{SUITE} has no linux-image-amd64 that depends on a kernel")
    names = [f"linux-{part}-{found[1]}" for part in ("binary", "modules", "base")]
    run("apt-get", *apt, "-q", "download", *names, cwd=work, stderr=subprocess.DEVNULL)
    return found[1]


def private_apt(work: Path, suite: str) -> Sequence[str]:
    """Options for an apt with lists of its own in `work`, for a suite that the host does not use."""
    (work / "lists/partial").mkdir(parents=True)
    (work / "cache/archives/partial").mkdir(parents=True)
    (work / "status").touch()
    (work / "sources.list").write_text(sources(suite))
    settings = {
        "Dir::Etc::sourcelist": work / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": work / "lists",
        "Dir::Cache": work / "cache",
        "Dir::State::status": work / "status",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
    }
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    run("apt-get", *options, "-q", "update")
    return options


def _unpack(package: Path, tree: Path) -> None:
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as tar:
        run("tar", "-x", "-C", tree, *(f"--exclude=*/kernel/{folder}" for folder in _NOT_UNPACKED), stdin=tar.stdout)
        if tar.wait():
            raise OSError(f"{package.name} cannot be unpacked")


def write_vmlinux(kernel: Kernel, to: Path) -> None:
    """The ELF kernel out of the bzImage, which QEMU starts without unpacking it under emulation: 1.5 s a boot less.

    Offsets are of Linux's x86 boot protocol: setup_sects 0x1f1, payload_offset 0x248, payload_length 0x24c.
    """
    image = (kernel.tree / "usr/lib/modules" / kernel.version / "vmlinuz").read_bytes()
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = ((image[0x1F1] or 4) + 1) * 512 + offset
    packed = image[start : start + length - 4]
    to.write_bytes(subprocess.run(["zstd", "-dqc"], input=packed, capture_output=True, check=True).stdout)


def write_initrd(kernel: Kernel, work: Path, to: Path) -> None:
    """A small initrd that mounts /dev/vda and goes on from there."""
    for folder in ("bin", "m", "dev", "new"):
        (work / folder).mkdir(parents=True)
    shutil.copy(shutil.which("busybox") or "", work / "bin/busybox")
    (work / "bin/sh").symlink_to("busybox")
    insert = []
    for path in _modules(kernel, BOOT_MODULES):
        (work / "m" / path.stem).write_bytes(_plain(path))
        insert.append(f"$b insmod /m/{path.stem}")
    (work / "init").write_text(_INIT.format(insert="\n".join(insert)))
    (work / "init").chmod(0o755)
    with to.open("wb") as file:
        subprocess.run("find . | cpio -o -H newc --quiet", shell=True, check=True, cwd=work, stdout=file)


def install_modules(kernel: Kernel, root: Path) -> None:
    """Put MODULES and what they need into the guest's root, uncompressed: the host is faster at that."""
    folder = Path("usr/lib/modules") / kernel.version
    for path in _modules(kernel, MODULES):
        to = (root / path.relative_to(kernel.tree)).with_suffix("")
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(_plain(path))
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        shutil.copy(kernel.tree / folder / name, root / folder / name)
    run("depmod", "-b", root, kernel.version)


def _modules(kernel: Kernel, names: Iterable[str]) -> list[Path]:
    """Files of these modules and of those they need, in the order to insert them. Raises NoKernelError."""
    found: dict[Path, None] = {}
    for name in names:
        words = ("modprobe", "-d", kernel.tree / "usr", "-S", kernel.version, "--show-depends", name)
        try:
            said = run(*words, stderr=subprocess.DEVNULL)
        except subprocess.CalledProcessError as error:
            raise NoKernelError(f"the kernel {kernel.version} of {SUITE} has no module {name}") from error
        for line in said.splitlines():
            word, _, path = line.strip().partition(" ")
            if word == "insmod":
                found[Path(path.split()[0])] = None
    return list(found)


def _plain(module: Path) -> bytes:
    return subprocess.run(["xz", "-dc", module], capture_output=True, check=True).stdout
