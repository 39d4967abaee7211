"""Run by MicroPython as a device on its own input and output: a thermometer with a help button and a mistake in it.

micropython micropython_panel.py FOLDER_OF_THE_LIBRARY FOLDER: a file `press` there presses the button.
"""

import os
import select
import sys
import time

sys.path.insert(0, sys.argv[1])
import edgedevice as edge

os.chdir(sys.argv[2])
noted = []


def command(verb, arguments):
    if verb in ("reset", "divide"):
        noted.append((verb, arguments))
        return edge.OK
    return edge.UNKNOWN_VERB


def pressed():
    try:
        os.remove("press")
    except OSError:
        return False
    return True


print("panel in MicroPython: starting")
who = edge.Identity("Acme", "py panel", "0.1", "none", b"\x10\x20")
out = sys.stdout.buffer
device = edge.Device(
    who, out.write, (("temperature", "Cel", edge.GAUGE), ("mode", "", edge.TEXT)), command, beat_ms=500
)
waiting = select.poll()
waiting.register(sys.stdin, select.POLLIN)
said_at = time.ticks_ms()
while True:
    if waiting.poll(10):
        device.feed(sys.stdin.buffer.read(1))
    device.poll()
    if pressed():
        device.raise_("help", edge.ALARM, "help", "the help button was held")
    if time.ticks_diff(time.ticks_ms(), said_at) >= 200:
        said_at = time.ticks_ms()
        device.data({0: 21.5, 1: "idle"})
    if noted:
        verb, arguments = noted.pop()
        if verb == "reset":
            sys.exit()
        try:
            print(arguments / 0)
        except ZeroDivisionError as error:
            device.crashed(error)
            sys.exit()
