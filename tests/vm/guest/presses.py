"""Presses the help button by the control socket, again and again, and says so: `presses.py TIMES HOLD_S`."""

import random
import sys
import time

from edge_agent.control.client import Client, ControlError

IDLE = ("IDLE", "RESOLVED", "CANCELLED")


def main(times: int, hold_s: float) -> None:
    client, chance = Client(timeout_s=20.0), random.Random(1)
    for number in range(times):
        while client.help().state not in IDLE:
            time.sleep(0.5)
        time.sleep(chance.uniform(2.0, 5.0))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        client.press(hold_s)


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]), float(sys.argv[2]))
    except ControlError as error:
        sys.exit(f"{error}")
