"""Builds the firmware, and says where in its source an address is. Needs Debian's gcc-arm-none-eabi, no C library."""

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
LINK = HERE.parents[1] / "firmware_bridges" / "native" / "c"
SOURCES = (HERE / "main.c", HERE / "chip.c", LINK / "edgelink.c", LINK / "edgedevice.c")
HEADERS = (HERE / "chip.h", HERE / "link.ld", LINK / "edgelink.h", LINK / "edgedevice.h")
FLAGS = (
    "-mcpu=cortex-m3",
    "-mthumb",
    "-Os",
    "-g",
    "-std=gnu99",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-ffreestanding",
    "-nostdlib",
    "-ffunction-sections",
    "-Wl,--gc-sections",
    # or the compiler makes of a loop that clears memory a call of the C library that is not there
    "-fno-tree-loop-distribute-patterns",
)
COMPILER, EMULATOR, WHERE = "arm-none-eabi-gcc", "qemu-system-arm", "arm-none-eabi-addr2line"


def missing() -> str:
    """Which program is missing, and the package that has it; empty: none."""
    packages = {COMPILER: "gcc-arm-none-eabi", WHERE: "binutils-arm-none-eabi", EMULATOR: "qemu-system-arm"}
    lacking = [f"{program} (Debian: {package})" for program, package in packages.items() if not shutil.which(program)]
    return ", ".join(lacking)


@dataclass(frozen=True)
class Firmware:
    """A built firmware: its ELF file, and the build id that it says of itself."""

    elf: Path
    build: str

    @classmethod
    def make(cls, folder: Path) -> "Firmware":
        """Build it into `folder`. Raises CalledProcessError with the compiler's words."""
        digest = hashlib.sha256(b"".join(path.read_bytes() for path in (*SOURCES, *HEADERS))).hexdigest()
        build, elf = digest[:8], folder / f"panel-{digest[:8]}.elf"
        # from its own folder, so that the ELF says `main.c` wherever it was built
        arguments = [*FLAGS, f"-T{HERE / 'link.ld'}", f"-I{LINK}", f'-DBUILD="{build}"', f"-ffile-prefix-map={HERE}/="]
        command = [COMPILER, *arguments, *map(str, SOURCES), "-lgcc", "-o", str(elf)]
        subprocess.run(command, check=True, capture_output=True, text=True)
        return cls(elf, build)

    def where(self, address: int) -> str:
        """Function, file and line of an address of code: `wait main.c:71`."""
        command = [WHERE, "-f", "-s", "-e", str(self.elf), hex(address)]
        function, line = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")[:2]
        return f"{function} {line.partition(' ')[0]}"
