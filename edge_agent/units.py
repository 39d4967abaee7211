"""Numbers and units as a person reads them."""

# UCUM symbols that a person writes in another way; words.js of the page has the same
SPOKEN = {"Cel": "°C", "m3": "m³", "deg": "°", "lx": "lux"}
# from here on thousandths are told and no powers of ten: a meter stands at 104213.447 kWh
_LARGE, _TOO_LARGE = 1e3, 1e15


def spoken(unit: str) -> str:
    """The unit as a person writes it."""
    return SPOKEN.get(unit, unit)


def digits(value: float) -> str:
    """A number as it was measured: six digits that count, of a large one all down to the thousandths."""
    if _LARGE <= abs(value) < _TOO_LARGE:
        return f"{value:.3f}".rstrip("0").rstrip(".")
    return f"{value:.6g}"
