"""lgpio for the guest's Python, which PyPI has no wheel for: compiled on the host against the guest's headers.

On Raspberry Pi OS it is the package python3-lgpio; plain Debian has none. It is put where that package puts it.
"""

import subprocess
import sys
from pathlib import Path

from tests.vm.kernel import private_apt, run

CONSTRAINTS = Path(__file__).parents[2] / "constraints.txt"


def build(work: Path, suite: str, python: str) -> list[Path]:
    """The files of the module, made in `work`."""
    apt = private_apt(work / "apt", suite)
    headers = f"libpython{python}-dev"
    run("apt-get", *apt, "-q", "download", headers, cwd=work, stderr=subprocess.DEVNULL)
    (package,) = work.glob(f"{headers}_*.deb")
    run("dpkg-deb", "-x", package, work / "dev")
    pip = (sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check")
    run(*pip, "--no-deps", "--no-binary", ":all:", "-c", CONSTRAINTS, "-d", work, "lgpio", stderr=subprocess.PIPE)
    (archive,) = work.glob("lgpio-*.tar.gz")
    run("tar", "-x", "-f", archive, "--strip-components=1", "-C", work)
    run("swig", "-python", "lgpio.i", cwd=work)
    include = work / "dev/usr/include"
    places = [f"-I{work}/src", f"-I{include}/python{python}", f"-I{include}"]
    code = [*work.glob("src/lg*.c"), work / "src/rgpiod.c", work / "lgpio_wrap.c"]
    run("gcc", "-O0", "-w", "-fPIC", "-shared", "-pthread", *places, *code, "-o", work / "_lgpio.so", "-lrt", "-ldl")
    return [work / name for name in ("lgpio.py", "_lgpio.so")]
