"""Model values to the bytes of real devices. Each emitter is one device and keeps what such a device keeps."""

from datetime import datetime, timedelta
from functools import reduce
from operator import xor
from typing import ClassVar

from edge_agent.core.reading import Value
from firmware_bridges.checksums import crc16_arc
from simulators.emitter import Emitter, Values
from simulators.home_emitters import Otgw, Pms, Sml
from simulators.vehicle_emitters import Jbd, Obd2, VeDirect

BTHOME_SERVICE = "0000fcd2-0000-1000-8000-00805f9b34fb"
_ON_OFF = {True: "on", False: "off"}


class TextLine(Emitter):
    """One line `key=value key=value`, as hobby firmware prints it."""

    def frame(self, values: Values, utc: datetime) -> bytes:  # noqa: ARG002 (such a device has no clock)
        """Numbers as they are, truth as `on` and `off`."""
        words = (f"{key}={_ON_OFF[value] if isinstance(value, bool) else value}" for key, value in values.items())
        return " ".join(words).encode() + b"\r\n"


class Dsmr(Emitter):
    """A DSMR 5 telegram. Counters in kWh, powers in kW, gas in m3; gas has a new value every five minutes."""

    # OBIS code and format of each value (P1 companion standard 5.0.2, table 6-5).
    LINES: ClassVar[dict[str, tuple[str, str]]] = {
        "import_1": ("1-0:1.8.1", "{:010.3f}*kWh"),
        "import_2": ("1-0:1.8.2", "{:010.3f}*kWh"),
        "export_1": ("1-0:2.8.1", "{:010.3f}*kWh"),
        "export_2": ("1-0:2.8.2", "{:010.3f}*kWh"),
        "tariff": ("0-0:96.14.0", "{:04d}"),
        "power_import": ("1-0:1.7.0", "{:06.3f}*kW"),
        "power_export": ("1-0:2.7.0", "{:06.3f}*kW"),
        "voltage_l1": ("1-0:32.7.0", "{:05.1f}*V"),
        "current_l1": ("1-0:31.7.0", "{:03d}*A"),
        "power_import_l1": ("1-0:21.7.0", "{:06.3f}*kW"),
        "power_export_l1": ("1-0:22.7.0", "{:06.3f}*kW"),
    }
    KEYS: ClassVar[frozenset[str]] = frozenset({*LINES, "gas"})
    REQUIRED: ClassVar[frozenset[str]] = frozenset({"power_import"})
    GAS_EVERY = timedelta(minutes=5)

    def __init__(self) -> None:
        self._gas: tuple[datetime, str] | None = None

    def frame(self, values: Values, utc: datetime) -> bytes:
        """One telegram with its CRC. The meter's clock is given as winter time, an hour before UTC's numbers."""
        local = utc + timedelta(hours=1)
        lines = ["/SIM5\\2EDGE-AGENT", "", "1-3:0.2.8(50)", f"0-0:1.0.0({local:%y%m%d%H%M%S}W)"]
        lines.append("0-0:96.1.1(53494D554C41544544)")
        for key, (code, form) in self.LINES.items():
            if key in values:
                lines.append(f"{code}({form.format(values[key])})")
        if "gas" in values:
            stamp, amount = self._gas_of(float(values["gas"]), local)
            lines += ["0-1:24.1.0(003)", "0-1:96.1.0(53494D554C41544544474153)"]
            lines.append(f"0-1:24.2.1({stamp:%y%m%d%H%M%S}W)({amount}*m3)")
        body = "".join(f"{line}\r\n" for line in lines).encode("ascii") + b"!"
        return body + f"{crc16_arc(body):04X}\r\n".encode("ascii")

    def _gas_of(self, gas_m3: float, local: datetime) -> tuple[datetime, str]:
        if self._gas is None or local - self._gas[0] >= self.GAS_EVERY:
            stamp = local.replace(minute=local.minute - local.minute % 5, second=0, microsecond=0)
            self._gas = (stamp, f"{gas_m3:09.3f}")
        return self._gas


class Nmea0183(Emitter):
    """A GPS receiver: GGA and RMC each time. Speed in knots, course in degrees true; 0 satellites is no fix."""

    KEYS: ClassVar[frozenset[str]] = frozenset(
        {"latitude", "longitude", "altitude_m", "speed_knots", "course_deg", "satellites", "hdop"}
    )
    REQUIRED: ClassVar[frozenset[str]] = KEYS

    def frame(self, values: Values, utc: datetime) -> bytes:
        """Two sentences with their checksums."""
        clock = f"{utc:%H%M%S}.{utc.microsecond // 10_000:02d}"
        satellites = int(values["satellites"])
        fixed = satellites > 0
        place = ",,,"
        if fixed:
            place = f"{_angle(values['latitude'], 2, 'NS')},{_angle(values['longitude'], 3, 'EW')}"
        height = f"{float(values['altitude_m']):.1f},M,46.9,M" if fixed else ",M,,M"
        motion = f"{float(values['speed_knots']):.2f},{float(values['course_deg']):.1f}" if fixed else ","
        gga = f"GPGGA,{clock},{place},{int(fixed)},{satellites:02d},{float(values['hdop']):.1f},{height},,"
        rmc = f"GPRMC,{clock},{'A' if fixed else 'V'},{place},{motion},{utc:%d%m%y},,,{'A' if fixed else 'N'}"
        return _sentence(gga) + _sentence(rmc)


def _angle(value: Value, width: int, letters: str) -> str:
    """Degrees and minutes to 1e-5 minutes (about 2 cm): `5205.44200,N`."""
    units = round(abs(float(value)) * 6_000_000)
    degrees, minutes = divmod(units, 6_000_000)
    return f"{degrees:0{width}d}{minutes / 100_000:08.5f},{letters[float(value) < 0]}"


def _sentence(content: str) -> bytes:
    return f"${content}*{reduce(xor, content.encode('ascii')):02X}\r\n".encode("ascii")


class Bthome(Emitter):
    """BTHome v2 service data, not encrypted; a new packet id whenever a value has changed."""

    # Object id, bytes, signed, what one unit of the number is (bthome.io/format). In order of id, as the format asks.
    OBJECTS: ClassVar[dict[str, tuple[int, int, bool, float]]] = {
        "battery": (0x01, 1, False, 1.0),
        "temperature": (0x02, 2, True, 0.01),
        "humidity": (0x03, 2, False, 0.01),
        "pressure": (0x04, 3, False, 0.01),
        "illuminance": (0x05, 3, False, 0.01),
        "voltage": (0x0C, 2, False, 0.001),
        "door": (0x1A, 1, False, 1.0),
        "wet": (0x20, 1, False, 1.0),
        "motion": (0x21, 1, False, 1.0),
        "window": (0x2D, 1, False, 1.0),
    }
    KEYS: ClassVar[frozenset[str]] = frozenset(OBJECTS)
    UNENCRYPTED_V2: ClassVar[int] = 0x40

    def __init__(self) -> None:
        self._packet = 0
        self._last = b""

    def frame(self, values: Values, utc: datetime) -> bytes:  # noqa: ARG002 (such a device has no clock)
        """The bytes behind the 16-bit service UUID FCD2."""
        objects = b""
        for key, (number, size, signed, unit) in self.OBJECTS.items():
            if key in values:
                raw = round(float(values[key]) / unit)
                objects += bytes([number]) + raw.to_bytes(size, "little", signed=signed)
        if objects != self._last:
            self._last = objects
            self._packet = (self._packet + 1) % 256
        return bytes([self.UNENCRYPTED_V2, 0x00, self._packet]) + objects


EMITTERS: dict[str, type[Emitter]] = {
    "bthome": Bthome,
    "dsmr": Dsmr,
    "jbd": Jbd,
    "nmea0183": Nmea0183,
    "obd2": Obd2,
    "otgw": Otgw,
    "pms": Pms,
    "sml": Sml,
    "textline": TextLine,
    "vedirect": VeDirect,
}
