"""The table `[help]`: the timers of a help request, the rules that call for help, and the other ways to the desk."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from edge_agent.config.sections import HOST, Name, Port, Seconds, Section, Tls

# Hours and minutes, 00:00 to 23:59, from and until; or none.
_TIME = r"([01]\d|2[0-3]):[0-5]\d"
QUIET = rf"^({_TIME}-{_TIME})?$"

URL = r"^https://(\[[0-9A-Fa-f:.]{2,41}\]|[\w.-]{1,253})(:[1-9]\d{0,4})?(/[!-~]*)?$"
# E.164: at most 15 digits; short numbers of an operator have three and more.
NUMBER = r"^(\+?\d{3,15})?$"


class HelpRule(Section, frozen=True):
    """A rule that calls for help by itself: see core.rules. Of `channel` and `finding` it has one."""

    name: Name
    text: Annotated[str, Meta(min_length=1, max_length=120)]
    channel: Annotated[str, Meta(min_length=1, max_length=120)] | None = None
    finding: Annotated[str, Meta(min_length=1, max_length=140)] | None = None
    condition: Literal["above", "below", "equals", "changes"] | None = None
    value: Any = None
    hysteresis: Annotated[float, Meta(ge=0.0)] = 0.0
    for_s: Seconds = 0.0
    rearm_s: Seconds = 300.0
    stale_s: Annotated[float, Meta(gt=0.0, le=366 * 86400.0)] | None = None
    cancel_window_s: Annotated[float, Meta(ge=0.0, le=300.0)] = 30.0
    fall_back_at_once: bool = False


class HelpChannel(Section, frozen=True):
    """Another way to the desk, used when the broker brings no answer; config.ways knows which kind takes what."""

    name: Name
    kind: Literal["broker", "https", "sms"]
    host: Annotated[str, Meta(pattern=HOST, description="a host name or address, without a port")] | None = None
    port: Port = 8883
    username: str = ""
    password_file: str = ""
    url: Annotated[str, Meta(pattern=URL, description='an address such as "https://desk.example/help"')] | None = None
    token_file: str = ""
    tls: Tls = Tls()
    modem: Annotated[str, Meta(min_length=1, description="a path such as /dev/serial/by-id/...")] | None = None
    baud: Annotated[int, Meta(ge=1200, le=4_000_000)] = 115_200
    pin_file: str = ""
    number: Annotated[str, Meta(pattern=NUMBER, description="a phone number such as +491701234567")] | None = None
    text_number: Annotated[str, Meta(pattern=NUMBER, description="a phone number such as +491701234567")] = ""
    resend_s: Annotated[float, Meta(ge=5.0, le=3600.0)] | None = None


class Help(Section, frozen=True):
    """Timers of a help request; ranges are those of the law (docs/help.md)."""

    debounce_ms: Annotated[int, Meta(ge=5, le=200)] = 50
    hold_s: Annotated[float, Meta(ge=1.0, le=10.0)] = 3.0
    cancel_window_s: Annotated[float, Meta(ge=0.0, le=30.0)] = 5.0
    ack_wait_s: Annotated[float, Meta(ge=5.0, le=60.0)] = 10.0
    queued_after_s: Annotated[float, Meta(ge=1.0, le=60.0)] = 5.0
    burst_resends: Annotated[int, Meta(ge=1, le=30)] = 10
    burst_s: Annotated[float, Meta(ge=30.0, le=600.0)] = 120.0
    slow_resend_s: Annotated[float, Meta(ge=60.0, le=1800.0)] = 240.0
    slow_for_s: Annotated[float, Meta(ge=600.0, le=86400.0)] = 3600.0
    rare_resend_s: Annotated[float, Meta(ge=600.0, le=21600.0)] = 3600.0
    fallback_after_s: Annotated[float, Meta(ge=10.0, le=600.0)] = 120.0
    fallback_queued_s: Annotated[float, Meta(ge=1.0, le=300.0)] = 15.0
    reopen_s: Annotated[float, Meta(ge=0.0, le=86400.0)] = 3600.0
    silence_s: Annotated[float, Meta(ge=60.0, le=7200.0)] = 600.0
    stuck_s: Annotated[float, Meta(ge=20.0, le=600.0)] = 60.0
    button_channel: Annotated[str, Meta(max_length=120)] = ""
    cancel_channel: Annotated[str, Meta(max_length=120)] = ""
    recorder_s: Annotated[float, Meta(ge=10.0, le=3600.0)] = 300.0
    speech: bool = False
    quiet_hours: Annotated[str, Meta(pattern=QUIET, description='such as "22:00-07:00", or empty')] = "22:00-07:00"
    after_s: Annotated[float, Meta(ge=10.0, le=600.0)] = 60.0
    test_every_s: Annotated[float, Meta(ge=3600.0, le=3 * 86400.0)] = 86400.0
    test_wait_s: Annotated[float, Meta(ge=5.0, le=600.0)] = 120.0
    rules: tuple[HelpRule, ...] = ()
    channels: tuple[HelpChannel, ...] = ()
