"""`python -m tests.vm`: build the guest's image, or run a command in a fresh guest."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.vm import image, ready
from tests.vm.channel import GuestError
from tests.vm.machine import Machine

EXAMPLES = """examples, as root:
  python -m tests.vm build
  python -m tests.vm run 'uname -a; systemctl status'
  python -m tests.vm run '/opt/edge-agent/.venv/bin/edge-agent check-config /opt/edge-agent/config/home.toml'

exit codes: 0 well, 1 it failed, 2 wrong usage, 3 this machine cannot; with run, that of the command

The tests themselves: make vm-test N=50"""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.vm",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_subparsers(dest="what", required=True)
    what.add_parser("build", help="make the image now, if it is not there")
    what.add_parser("run", help="run COMMAND in a shell of a fresh guest with today's project").add_argument("command")
    args = parser.parse_args()
    if why := image.missing():
        image.say(why)
        return 3
    try:
        built = image.Image()
        return run(built, args.command) if args.what == "run" else 0
    except (OSError, GuestError, subprocess.CalledProcessError) as error:
        image.say("\n".join([f"It failed: {error}", *getattr(error, "__notes__", [])]))
        return 1


def run(built: image.Image, command: str) -> int:
    with tempfile.TemporaryDirectory(prefix="edge-ready-") as folder:
        with image.step("a guest booted and set up"):
            saved = ready.prepare(built, Path(folder))
        with Machine(built, saved=saved) as machine:
            begun = machine.begin(command, hear=lambda line: sys.stdout.write(f"{line}\n") and sys.stdout.flush())
            return begun.wait(3600.0).returncode


if __name__ == "__main__":
    sys.exit(main())
