"""What all tables of the configuration are made of. Ranges and forms stand in `Meta`."""

from typing import Annotated

from msgspec import Meta, Struct

Name = Annotated[
    str,
    Meta(
        pattern=r"^[a-z][a-z0-9_]{0,31}$",
        description="a lower-case letter, then lower-case letters, digits or _, at most 32 in all",
    ),
]
Seconds = Annotated[float, Meta(ge=0.0, le=366 * 86400.0)]
Line = Annotated[int, Meta(ge=0, le=1023)]
# A name or an IPv4 address of at most 253 characters (RFC 1035 §2.3.4), or an IPv6 address (at least two colons).
HOST = r"^([\w.-]{0,253}|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{0,36}(%\w{1,15})?)$"
Port = Annotated[int, Meta(ge=1, le=65535)]
# A host, with a port of at most five digits behind it or without; an IPv6 address stands in brackets.
_PORT = r"(:[1-9]\d{0,4})?"
PLACE = rf"^([\w.-]{{1,253}}|\[[0-9A-Fa-f]{{0,4}}:[0-9A-Fa-f:.]{{1,41}}(%\w{{1,15}})?\]){_PORT}$"
Place = Annotated[str, Meta(pattern=PLACE, description='a host such as "broker.example", or "broker.example:8883"')]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all tables."""


class Tls(Section, frozen=True):
    """TLS is on unless the broker is told to do without; empty `ca_file` means the system's certificates."""

    enabled: bool = True
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
