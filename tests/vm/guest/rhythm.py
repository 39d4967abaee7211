"""Watches lines of the kernel's GPIO chip: `rhythm.py SECONDS CHIP LINE...`; one JSON list of [seconds, levels]."""

import json
import sys
import time
from pathlib import Path


def main(seconds, chip, lines):
    places = [Path(chip, f"sim_gpio{line}", "value") for line in lines]
    began, seen = time.monotonic(), []
    while (now := time.monotonic() - began) < seconds:
        levels = [int(place.read_text()) for place in places]
        if not seen or seen[-1][1] != levels:
            seen.append([round(now, 3), levels])
        time.sleep(0.005)
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2], sys.argv[3:])
