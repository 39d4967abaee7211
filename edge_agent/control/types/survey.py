"""Surveys on site: each is begun for a while, ends by itself, and costs nothing when nobody asks."""

from typing import Annotated

from msgspec import Meta, field

from edge_agent.control.types.base import Ask, Reply

# Nobody remembers to stop one.
LONGEST_SURVEY_S = 900.0


class SurveyBle(Ask, frozen=True):
    """Keep who is heard by Bluetooth, for so long from now; one that is on goes on with what it has."""

    seconds: Annotated[float, Meta(ge=1.0, le=LONGEST_SURVEY_S)] = 30.0


class HeardBle(Reply):
    """One address, and what was told of it.

    BlueZ tells what changed (content, or the signal by 8 dB) and leaves repetitions out: `count` and `news_per_min` are
    of what it told, `rssi_median_dbm` and `rssi_p10_dbm` of the newest 64 of these. `kind` is of the address: public,
    random, or empty where it is not known. `device` is what the configuration calls it. Last, the newest advert: data
    as hex, by UUID, and by the maker's number in hex.
    """

    address: str
    kind: str
    name: str
    count: int
    news_per_min: float
    rssi_median_dbm: int
    rssi_p10_dbm: int
    first_ago_s: float
    last_ago_s: float
    device: str
    service_data: dict[str, str]
    manufacturer_data: dict[str, str]
    services: list[str]


class BleSurvey(Reply):
    """Who was heard since the survey began, `listened_s` ago; nobody surveys where `left_s` is 0.

    `configured`: whether this agent listens by Bluetooth at all. `ready`, `sentence` and `fix` say how Bluetooth is.
    `left_out` is how many addresses were forgotten because there were too many, the longest silent first. `unheard` are
    configured devices that were not heard, name by address: one that is connected does not advertise.
    """

    configured: bool
    ready: bool
    sentence: str
    fix: str = ""
    left_s: float = 0.0
    listened_s: float = 0.0
    left_out: int = 0
    heard: list[HeardBle] = field(default_factory=list)
    unheard: dict[str, str] = field(default_factory=dict)
