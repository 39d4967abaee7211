"""What surveys on site found so far."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from edge_agent.control import types
from edge_agent.view.seen import Seen

if TYPE_CHECKING:
    from edge_agent.drivers.ble import BleDriver
    from edge_agent.drivers.heard import Voice

_NONE = types.BleSurvey(
    configured=False,
    ready=False,
    sentence="no Bluetooth device is configured, and the agent does not listen",
    fix="Let the command listen by itself, at the gateway: edge-agent survey ble",
)


class SurveyView(Seen):
    """Surveys, and how they are begun."""

    __slots__ = ()

    def survey_ble(self) -> types.BleSurvey:
        """Who was heard so far, while somebody surveys."""
        if self.hardware.ble is None:
            return _NONE
        named = {device.address.upper(): device.name for device in self.config.ble.device}
        return ble_survey(self.hardware.ble, named, self.clock.now().monotonic, self.texts.own)

    def survey_serial(self) -> types.SerialSurveyed:
        """What the last survey of serial ports heard."""
        made, now = self.serial_surveys, self.clock.now().monotonic
        left_s = None if made.until is None else round(max(0.0, made.until - now), 1)
        ago_s = None if made.done_at is None else round(now - made.done_at, 1)
        return types.SerialSurveyed(left_s, ago_s, made.failed, made.found)

    async def start_survey_serial(self, ask: types.SurveySerial) -> types.SerialSurveyed:
        """Begin one."""
        self.serial_surveys.start(ask.seconds)
        return self.survey_serial()

    async def start_survey_ble(self, ask: types.SurveyBle) -> types.BleSurvey:
        """Begin one, or prolong the one that is on."""
        if self.hardware.ble is not None:
            self.hardware.ble.survey.prolong(ask.seconds, self.clock.now().monotonic)
        return self.survey_ble()


def ble_survey(
    driver: "BleDriver", named: Mapping[str, str], now: float, own: Callable[[str], str] = str
) -> types.BleSurvey:
    """What this driver heard until `now` (monotonic seconds).

    `named` are configured devices, name by address; `own` says how Bluetooth is in a language.
    """
    table, health = driver.survey.table(now), driver.health
    told = types.BleSurvey(True, health.ready, own(health.sentence), own(health.fix))
    if table is not None:
        told.left_s, told.listened_s = round(table.until - now, 1), round(now - table.since, 1)
        told.left_out = table.left_out
        rows = [(voice, named.get(voice.advert.address, "")) for voice in table.voices]
        told.heard = [_heard(voice, device, now - table.since, now) for voice, device in rows]
        known = {each.address for each in told.heard}
        told.unheard = {address: name for address, name in named.items() if address not in known}
    return told


def _heard(voice: "Voice", device: str, listened_s: float, now: float) -> types.HeardBle:
    advert = voice.advert
    return types.HeardBle(
        address=advert.address,
        kind=voice.kind,
        name=advert.name,
        count=voice.count,
        news_per_min=round(60.0 * voice.count / max(listened_s, 1.0), 1),
        rssi_median_dbm=voice.share_dbm(5),
        rssi_p10_dbm=voice.share_dbm(1),
        first_ago_s=round(now - voice.first_at, 1),
        last_ago_s=round(now - voice.last_at, 1),
        device=device,
        service_data={name: data.hex() for name, data in advert.service_data.items()},
        manufacturer_data={f"{company:04x}": data.hex() for company, data in advert.manufacturer_data.items()},
        services=list(advert.services),
    )
