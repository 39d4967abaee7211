"""The default alphabet of SMS and its packing of 7-bit characters (3GPP TS 23.038, 6.1.2.1 and 6.2.1)."""

from edge_agent.core.errors import WireError

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPE = 0x1B
_EXTENDED = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
_SEPTETS: dict[str, tuple[int, ...]] = {
    **{character: (septet,) for septet, character in enumerate(_BASIC) if septet != _ESCAPE},
    **{character: (_ESCAPE, septet) for septet, character in _EXTENDED.items()},
}


def septets_of(text: str, most: int) -> list[int]:
    """The septets of a text, at most so many, in whole characters; `?` for what the alphabet does not have."""
    septets: list[int] = []
    for character in text:
        found = _SEPTETS.get(character, _SEPTETS["?"])
        if len(septets) + len(found) > most:
            break
        septets += found
    return septets


def text_of_septets(septets: list[int]) -> str:
    """The text of septets; an unknown extension shows as the basic character, as the standard asks."""
    text, escaped = "", False
    for septet in septets:
        if septet == _ESCAPE and not escaped:
            escaped = True
            continue
        text += _EXTENDED.get(septet, _BASIC[septet]) if escaped else _BASIC[septet]
        escaped = False
    return text.replace("\x1b", " ")


def pack_septets(septets: list[int]) -> bytes:
    """Eight septets in seven bytes, the first in the lowest bits."""
    number = sum(septet << 7 * place for place, septet in enumerate(septets))
    return number.to_bytes((7 * len(septets) + 7) // 8, "little")


def unpack_septets(packed: bytes, count: int, skip: int = 0) -> list[int]:
    """`count` septets, behind the first `skip`. Raises WireError when there are not as many bytes."""
    if len(packed) * 8 < 7 * count:
        raise WireError(f"an SMS of {count} characters in {len(packed)} bytes")
    number = int.from_bytes(packed, "little")
    return [number >> 7 * place & 0x7F for place in range(skip, count)]
