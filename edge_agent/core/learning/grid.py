"""A seen-map: which pairs of two quantities came together. Cells of a square: unseen, seen, suspect, or old.

A first paints the cells around it as well: the map is a cover by small squares (Hartigan 1975, the leader method), laid
where the channel goes and not where a grid happens to lie. When a quantity leaves its axis, the axis gets twice as long
and cells merge two to one. What nobody visits gets old, and is forgotten.
"""

CELLS = 32  # a power of two: cell (i, j) is at i * CELLS + j
# A first is seen so many cells around.
AROUND = 2
# So many cells are a step of distance, and nothing is told apart beyond so many cells.
STEP = 4.0
REACH = 20
# Marks of a cell. A seen one was visited, or lies beside one that was, since the map was aged last. Of two that merge
# the first of these counts.
SEEN, SUSPECT, OLD = 1, 2, 4
_HALF = CELLS // 2
_EMPTY_ROW, _EMPTY_HALF = bytes(_HALF), bytes(CELLS * _HALF)
_ONE_BIT = bytes(SEEN if cell & SEEN else SUSPECT if cell & SUSPECT else cell for cell in range(256))
_AGED = bytes([0, OLD]) + bytes(254)
_TAUGHT = bytes([0, SEEN, SEEN, 0, OLD]) + bytes(251)


def paint(cells: bytearray, i: int, j: int, mark: int, rows: int = CELLS, around: int = AROUND) -> None:
    """Mark what is unseen around (i, j)."""
    left, right = max(j - AROUND, 0), min(j + AROUND, CELLS - 1) + 1
    for row in range(max(i - around, 0), min(i + around, rows - 1) + 1):
        for k in range(row * CELLS + left, row * CELLS + right):
            cells[k] = cells[k] or mark


def remark(cells: bytearray, i: int, j: int, mark: int, rows: int = CELLS, around: int = AROUND) -> None:
    """Mark anew what is not unseen around (i, j)."""
    left, right = max(j - AROUND, 0), min(j + AROUND, CELLS - 1) + 1
    for row in range(max(i - around, 0), min(i + around, rows - 1) + 1):
        for k in range(row * CELLS + left, row * CELLS + right):
            if cells[k]:
                cells[k] = mark


def refresh(cells: bytearray, i: int, j: int, rows: int = CELLS, around: int = AROUND) -> None:
    """An old cell was visited: it and what is old around it are seen again."""
    left, right = max(j - AROUND, 0), min(j + AROUND, CELLS - 1) + 1
    for row in range(max(i - around, 0), min(i + around, rows - 1) + 1):
        for k in range(row * CELLS + left, row * CELLS + right):
            if cells[k] & OLD:
                cells[k] = SEEN


def taught(cells: bytearray) -> bytearray:
    """The map on which what was suspect is seen, and what is around it, for it never comes again just so."""
    out = cells.translate(_TAUGHT)
    for place, cell in enumerate(cells):
        if cell == SUSPECT:
            paint(out, place // CELLS, place % CELLS, SEEN)
    return out


def aged(cells: bytearray) -> bytearray:
    """The map on which what was seen is old; what was old, and what is suspect, is forgotten."""
    return cells.translate(_AGED)


def distance(cells: bytearray, i: int, j: int) -> int:
    """Cells from (i, j) to the nearest that is not unseen, as a king moves; REACH + 1 where there is none."""
    for r in range(1, REACH + 1):
        left, right = j - r, j + r
        if left < 0 and right >= CELLS and i - r < 0 and i + r >= CELLS:
            break
        for row in range(max(i - r, 0), min(i + r, CELLS - 1) + 1):
            at = row * CELLS
            if row in (i - r, i + r):
                if any(cells[at + max(left, 0) : at + min(right, CELLS - 1) + 1]):
                    return r
            elif (left >= 0 and cells[at + left]) or (right < CELLS and cells[at + right]):
                return r
    return REACH + 1


def along(cells: bytearray, row: int, j: int) -> int:
    """The same in one row only."""
    at = row * CELLS
    if cells[at + j]:
        return 0
    for r in range(1, REACH + 1):
        if (j >= r and cells[at + j - r]) or (j + r < CELLS and cells[at + j + r]):
            return r
    return REACH + 1


def merge_rows(cells: bytearray, up: bool) -> bytearray:
    """The map whose first quantity's axis got twice as long, upwards or downwards."""
    pairs = _either(cells[:-CELLS], cells[CELLS:])
    half = b"".join([pairs[at : at + CELLS] for at in range(0, len(cells), 2 * CELLS)])
    return bytearray(half + _EMPTY_HALF if up else _EMPTY_HALF + half)


def merge_columns(cells: bytearray, up: bool) -> bytearray:
    """The map whose second quantity's axis got twice as long, upwards or downwards."""
    pairs = _either(cells[0::2], cells[1::2])
    rows = _EMPTY_ROW.join([pairs[at : at + _HALF] for at in range(0, len(pairs), _HALF)])
    return bytearray(rows + _EMPTY_ROW if up else _EMPTY_ROW + rows)


def _either(one: bytearray, other: bytearray) -> bytes:
    both = int.from_bytes(one, "little") | int.from_bytes(other, "little")
    return both.to_bytes(len(one), "little").translate(_ONE_BIT)
