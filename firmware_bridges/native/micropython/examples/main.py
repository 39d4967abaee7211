"""A thermometer with a help button on the native link, for a Raspberry Pi Pico with MicroPython.

Copy edgelink.py and edgedevice.py to the board, and this as main.py. The button is on GP15 to GND; UART 0 (GP0, GP1)
goes to the gateway's serial port. Its USB stays free for the prompt.
"""

import time

import edgedevice as edge
import machine

HOLD_MS = 3000
BOUNCE_MS = 30

uart = machine.UART(0, 115200)
button = machine.Pin(15, machine.Pin.IN, machine.Pin.PULL_UP)
lamp = machine.Pin("LED", machine.Pin.OUT)
sensor = machine.ADC(4)  # the chip's own temperature
wanted = []


def command(verb, arguments):  # noqa: ARG001 - a reset has none
    """What the gateway may ask of it. A reset is done when the answer is out."""
    if verb == "reset":
        wanted.append(verb)
        return edge.OK
    return edge.UNKNOWN_VERB


def celsius():
    """RP2040 data sheet, 4.9.5: 27 degrees at 0.706 V, 1.721 mV a degree."""
    return 27 - (sensor.read_u16() * 3.3 / 65535 - 0.706) / 0.001721


def reason():
    """Why it started."""
    return "watchdog" if machine.reset_cause() == machine.WDT_RESET else "power"


def live(device):
    """Measure, look at the button, obey; for ever."""
    down = called = False
    stable = since = said = time.ticks_ms()
    while not wanted:
        now = time.ticks_ms()
        device.feed(uart.read() or b"")
        device.poll()
        if (button.value() == 0) == down:
            stable = now
        elif time.ticks_diff(now, stable) >= BOUNCE_MS:
            down, called, since = not down, False, now
            said = time.ticks_add(now, -1000)
        if down and not called and time.ticks_diff(now, since) >= HOLD_MS:
            called = device.raise_("help", edge.ALARM, "help", "the help button was held")
        if time.ticks_diff(now, said) >= (250 if down or time.ticks_diff(now, since) < 1000 else 1000):
            said = now
            device.data({0: celsius(), 1: down})
        lamp.value(device.holding())
        time.sleep_ms(10)


who = edge.Identity("Acme", "panel", "1.0", "main.py", machine.unique_id())
channels = (("temperature", "Cel", edge.GAUGE), ("help", "", edge.STATE))
panel = edge.Device(who, uart.write, channels, command, reason=reason())
try:
    live(panel)
except Exception as error:  # noqa: BLE001 - whatever it is: told in the next life
    panel.crashed(error)
machine.reset()
