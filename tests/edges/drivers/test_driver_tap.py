"""What is kept of a device's bytes while somebody looks: whole messages, the newest, and never more than a little."""

from edge_agent.drivers.tap import MAX_FRAMES, MAX_LETTERS, Tap


def test_a_whole_telegram_of_a_meter_is_kept():
    tap = Tap(60.0)
    telegram = bytes(range(256)) * 6
    tap.keep(telegram, 1.0)
    assert bytes.fromhex(tap.frames[0].shown) == telegram


def test_the_newest_are_kept_and_all_are_counted():
    tap = Tap(60.0)
    for number in range(500):
        tap.keep(number.to_bytes(2, "big"), 1.0)
    assert [int(frame.shown, 16) for frame in tap.frames] == list(range(500 - MAX_FRAMES, 500))
    assert tap.count == 500


def test_long_ones_leave_room_for_fewer():
    tap = Tap(60.0)
    for _ in range(500):
        tap.keep(bytes(5000), 1.0)
    assert sum(len(frame.shown) for frame in tap.frames) <= MAX_LETTERS
    assert all((len(frame.shown), frame.size) == (4096, 5000) for frame in tap.frames)


def test_after_its_time_nothing_is_kept():
    tap = Tap(60.0)
    tap.keep(b"late", 61.0)
    assert (tap.count, list(tap.frames)) == (0, [])
