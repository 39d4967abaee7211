r"""BlueZ's D-Bus interface in user space: bleak runs unmodified, without a radio, a kernel module or root.

async with BlueZ() as bluez:
    thermometer = bluez.peripheral("C0:11:22:33:44:01", "Kitchen")
    thermometer.advertise({"0000fcd2-0000-1000-8000-00805f9b34fb": payload}, None, -60)
    level = thermometer.characteristic(service, uuid, b"\x63", ("read", "notify"))
    level.notify(b"\x62")                # when somebody has connected and subscribed
    bluez.adapter.deaf = "power"         # hears nothing until it is switched off and on
    await bluez.restart()                # bluetoothd is killed, and another one starts
"""

from simulators.bluez.peripheral import Characteristic, Peripheral
from simulators.bluez.service import BlueZ

__all__ = ["BlueZ", "Characteristic", "Peripheral"]
