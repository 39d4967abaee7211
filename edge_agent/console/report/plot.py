"""A channel's last minutes as a picture: SVG without any script, readable in black and white."""

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT = 320, 96
_TOP, _BOTTOM, _LEFT = 14, 14, 4
# Beyond this a number is written with its power of ten.
_DIGITS = 6

Point = tuple[float, float | None]


def plot(title: str, points: Sequence[Point], words: tuple[str, str]) -> str:
    """A line from the first point to the last; where there is no value the line is broken. `words`: first and last.

    Points are seconds and value, in order of time; a boolean is 0 or 1.
    """
    values = [float(value) for _, value in points if value is not None]
    if not values:
        return ""
    low, high = min(values), max(values)
    span, begin = (high - low) or 1.0, points[0][0]
    long = (points[-1][0] - begin) or 1.0

    def x(seconds: float) -> float:
        return _LEFT + (WIDTH - 2 * _LEFT) * (seconds - begin) / long

    def y(value: float) -> float:
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * ((value - low) / span if high > low else 0.5)

    path, pen_up = [], True
    for seconds, value in points:
        if value is None:
            pen_up = True
            continue
        path.append(f"{'M' if pen_up else 'L'}{x(seconds):.1f} {y(float(value)):.1f}")
        pen_up = False
    told = f"{title}: {number(low)} - {number(high)}"
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(told, quote=True)}"><path d="{" ".join(path)}"/>'
        f'<text x="{_LEFT}" y="10">{number(high)}</text><text x="{_LEFT}" y="{HEIGHT - 2}">{number(low)}</text>'
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 2}" text-anchor="middle">{escape(words[0])}</text>'
        f'<text x="{WIDTH - _LEFT}" y="{HEIGHT - 2}" text-anchor="end">{escape(words[1])}</text></svg></figure>'
    )


def number(value: float) -> str:
    """A number in as many digits as one reads."""
    return f"{value:.{_DIGITS}g}"
