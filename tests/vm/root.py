"""The guest's root file system: Debian by mmdebstrap, the agent in /opt/edge-agent as the README puts it there."""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.vm.kernel import run, sources

SUITE = "trixie"
PYTHON = "3.13"  # of that suite
PROJECT = Path(__file__).parents[2]
GUEST = Path(__file__).parent / "guest"
HOME = "/opt/edge-agent"
# What of the project is needed to install and to run it, and for what tests run in the guest.
PARTS = (
    *("edge_agent", "firmware_bridges", "simulators", "config", "systemd", "tests/torture", "tests/vm"),
    *("docs/edge-agent.1", "Makefile", "README.md", "LICENSE", "pyproject.toml", "constraints.txt"),
)
_PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "udev", "kmod", "procps", "iproute2", "e2fsprogs", "util-linux-extra"),
    *("python3", "python3-venv", "make", "bluez", "polkitd"),
)
_LEFT_OUT = ("man", "doc", "locale", "info", "i18n", "bash-completion")
# Under emulation each unit and each generator costs a tenth of a second; a test needs none of these.
_MASKED = [
    "getty@tty1.service",
    "getty-static.service",
    "getty.target",
    "serial-getty@ttyS0.service",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "dpkg-db-backup.timer",
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "ldconfig.service",
    "systemd-hwdb-update.service",
    "systemd-journal-catalog-update.service",
    "systemd-firstboot.service",
    "systemd-pcrmachine.service",
    "systemd-pcrphase.service",
    "systemd-pcrphase-sysinit.service",
    "systemd-tpm2-setup.service",
    "systemd-tpm2-setup-early.service",
    "systemd-pcrlock-make-policy.service",
    "systemd-hibernate-clear.service",
    "systemd-binfmt.service",
    "proc-sys-fs-binfmt_misc.automount",
    "systemd-pstore.service",
    "sys-kernel-tracing.mount",
    "dev-hugepages.mount",
    "systemd-update-done.service",
    "systemd-ask-password-console.path",
    "systemd-ask-password-wall.path",
    "systemd-random-seed.service",
    "systemd-battery-check.service",
    "remote-fs.target",
    "systemd-logind.service",
    "systemd-remount-fs.service",
    "systemd-udev-load-credentials.service",
    "modprobe@drm.service",
    "modprobe@efi_pstore.service",
    "modprobe@fuse.service",
    "modprobe@dm_mod.service",
    "modprobe@loop.service",
    "systemd-hostnamed.socket",
    "systemd-creds.socket",
    "systemd-initctl.socket",
    "systemd-sysext.socket",
    "systemd-pcrextend.socket",
    "systemd-pcrlock.socket",
    "systemd-user-sessions.service",
    "systemd-machine-id-commit.service",
]
_NO_GENERATOR = [
    "cryptsetup",
    "gpt-auto",
    "hibernate-resume",
    "integritysetup",
    "veritysetup",
    "ssh",
    "tpm2",
    "bless-boot",
    "factory-reset",
    "import",
    "sysv",
    "rc-local",
    "getty",
    "system-update",
]
# Cold plug of what matters only.
_PLUGGED = ("block", "virtio-ports", "net", "rtc", "misc", "gpio", "watchdog", "tty", "bluetooth")
_FILES = {
    "etc/fstab": "/dev/vda / ext4 rw,noatime,errors=remount-ro 0 0\n",
    "etc/hostname": "edge\n",
    "etc/hosts": "127.0.0.1 localhost edge\n",
    "etc/machine-id": "5f0c1de05f0c1de05f0c1de05f0c1de0\n",
    "etc/resolv.conf": "",
    "etc/systemd/journald.conf.d/vm.conf": "[Journal]\nStorage=persistent\nAudit=no\n",
    # what is merely slow here is not to be killed
    "etc/systemd/system.conf.d/vm.conf": "[Manager]\nDefaultTimeoutStartSec=180\n",
    "etc/systemd/system/systemd-udev-trigger.service.d/vm.conf": "[Service]\nExecStart=\nExecStart=-udevadm trigger "
    f"--type=devices --action=add {' '.join(f'--subsystem-match={name}' for name in _PLUGGED)}\n",
    "etc/systemd/system/vm-agent.service": """[Unit]
Description=Runs what the tests want
DefaultDependencies=no
After=basic.target dbus.socket
[Service]
ExecStart=/usr/bin/python3 -IS /usr/local/sbin/vm-agent
Restart=always
KillMode=process
OOMScoreAdjust=-1000
""",
    # Bound over /proc/cpuinfo it makes gpiozero take the guest for a Raspberry Pi 4B.
    "etc/vm/cpuinfo": "processor\t: 0\nmodel name\t: ARMv7 Processor rev 3 (v7l)\n\nHardware\t: BCM2835\n"
    "Revision\t: c03114\nSerial\t\t: 10000000c0ffee00\nModel\t\t: Raspberry Pi 4 Model B Rev 1.4\n",
}


def debootstrap(work: Path) -> Path:
    """Debian with what the tests need, in a new folder of `work`."""
    root = work / "root"
    (work / "sources").write_text(sources(SUITE, f"{SUITE}-updates"))
    excluded = [f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in _LEFT_OUT]
    run(
        *("mmdebstrap", "--quiet", "--mode=root", "--variant=essential", "--format=directory"),
        *("--skip=cleanup/reproducible", f"--include={','.join(_PACKAGES)}"),
        *('--aptopt=Apt::Install-Recommends "false"', "--dpkgopt=force-unsafe-io", *excluded),
        *(SUITE, root, work / "sources"),
    )
    return root


def download_wheels(work: Path) -> Path:
    """What the agent needs from PyPI, for the guest's Python, by the host's pip and its settings."""
    folder = work / "wheels"
    tags = ("manylinux2014", "manylinux_2_17", "manylinux_2_28", "manylinux_2_34", "linux")
    platforms = [word for tag in tags for word in ("--platform", f"{tag}_x86_64")]
    run(
        *(sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"),
        *("-d", folder, "--python-version", PYTHON, "--implementation", "cp", "--only-binary=:all:", *platforms),
        *("-c", PROJECT / "constraints.txt", *requirements()),
        stderr=subprocess.PIPE,
    )
    return folder


def requirements() -> Iterator[str]:
    """All that `make` installs for the service but lgpio (pins.py). pip reads markers with the host's Python."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    for each in (*project["build-system"]["requires"], *project["project"]["dependencies"]):
        if not each.startswith("lgpio"):
            yield each
    for each in project["project"]["optional-dependencies"]["demo"]:
        yield each.partition(";")[0]


def copy_project(to: Path) -> None:
    """The PARTS of the project into the folder `to`."""
    for part in PARTS:
        source, target = PROJECT / part, to / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)


def install_agent(root: Path, wheels: Path, lgpio: Iterable[Path]) -> None:
    """As the README says, without a network and without the developers' tools."""
    for path in lgpio:
        shutil.copy(path, root / "usr/lib/python3/dist-packages")
    copy_project(root / HOME[1:])
    shutil.copytree(wheels, root / "opt/wheels")
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": "/opt/wheels",
    }
    stamp = ".venv/.installed"  # what `make install` makes first
    command = ("chroot", root, "make", "-C", HOME, stamp)
    subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
    shutil.rmtree(root / "opt/wheels")


def set_up(root: Path) -> None:
    """Make it a guest that boots fast and listens to the tests."""
    for name, text in _FILES.items():
        _put(root / name, text)
    agent = root / "usr/local/sbin/vm-agent"
    _put(agent, (GUEST / "agent.py").read_text())
    agent.chmod(0o755)
    units = root / "etc/systemd/system"
    wants = units / "multi-user.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    (wants / "vm-agent.service").symlink_to("/etc/systemd/system/vm-agent.service")
    for name in _MASKED:
        (units / name).unlink(missing_ok=True)
        (units / name).symlink_to("/dev/null")
    generators = root / "etc/systemd/system-generators"
    generators.mkdir(parents=True, exist_ok=True)
    for name in _NO_GENERATOR:
        (generators / f"systemd-{name}-generator").symlink_to("/dev/null")
    for name in ("etc", "var"):  # nothing is newer: units that wait for an update do not run
        (root / name / ".updated").touch()
    os.utime(root / "usr", (1, 1))


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(text)
