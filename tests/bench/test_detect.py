"""The bench of the learned check: its scorer gives the published figures where they can be worked out by hand."""

import json
import math
import random

import pytest

from tests.bench.detect.__main__ import main
from tests.bench.detect.calibration import Told, table
from tests.bench.detect.data import Series, load
from tests.bench.detect.overfit import picked
from tests.bench.detect.peers import handle
from tests.bench.detect.prototype import cost
from tests.bench.detect.scoring import Said, alarms, budget_recall, nab, nab_parts, result

DAY = 288
SERIES = Series("a.csv", "nab", [300.0 * n for n in range(4 * DAY)], [[0.0] * 4 * DAY], [(700, 799)], 100)


def said(*rows, series=SERIES):
    scores = [0.0] * series.rows
    for row in rows:
        scores[row] = 2.0
    return Said(series, scores, [False] * series.rows)


def test_saying_nothing_is_0_and_an_alert_at_the_first_row_of_the_window_is_100():
    for profile in ("standard", "low FP", "low FN"):
        assert nab([nab_parts(said())], profile) == 0.0
        assert nab([nab_parts(said(700))], profile) == pytest.approx(100.0)


def test_only_the_earliest_alert_in_a_window_counts_and_later_is_less():
    early, late = nab([nab_parts(said(700, 790))], "standard"), nab([nab_parts(said(790))], "standard")
    assert early == pytest.approx(100.0)
    # 10 of 100 rows before the end: (2 / (1 + e^(-5 * 0.1)) - 1) / (2 / (1 + e^-5) - 1), and the miss not paid
    gain = (2 / (1 + math.exp(-0.5)) - 1) / (2 / (1 + math.exp(-5)) - 1)
    assert late == pytest.approx(100 * (gain + 1) / 2)


def test_a_false_alert_far_from_any_window_costs_its_weight():
    assert nab([nab_parts(said(300))], "standard") == pytest.approx(-100 * 0.11 / 2)
    assert nab([nab_parts(said(300))], "low FP") == pytest.approx(-100 * 0.22 / 2)
    assert nab([nab_parts(said(50))], "standard") == 0.0  # in the part that does not count


def test_rows_close_together_are_one_notification_and_one_that_stays_on_counts_again():
    found = alarms(SERIES, [200, 205, 212, 400, 750])
    assert (found.hits, found.good, found.false) == (1, 1, 2)
    assert alarms(SERIES, list(range(200, 200 + 289))).false == 3


def test_recall_within_a_budget_needs_no_threshold_of_the_detector():
    one = said(750, 300)
    one.scores[300] = 0.1
    assert budget_recall([one], weeks=1.0, events=1) == 1.0
    assert budget_recall([said()], weeks=1.0, events=1) == 0.0


def test_rows_in_alarm_are_counted_from_the_first_scored_row_on():
    f1, wrong, missed = result([said()._replace(state=[True] * SERIES.rows)]).row_figures()
    assert (wrong, missed) == (1.0, 0.0)
    assert f1 == pytest.approx(200 / (200 + SERIES.rows - 200))


def test_alarm_handling_keeps_the_order_of_great_scores_and_holds_after_one():
    scores = [math.sin(n) for n in range(600)]
    scores[400], scores[410] = 9.0, 9.0
    handled = handle(scores)
    assert handled[400] > 4.0
    assert handled[410] == 0.0


def test_the_whole_protocol_runs_on_a_folder_of_ones_own(tmp_path, capsys):
    rows = "".join(
        f"2024-01-{1 + n // DAY:02d} {n // 12 % 24:02d}:{n * 5 % 60:02d}:00,{n % 12}\n" for n in range(4 * DAY)
    )
    (tmp_path / "a.csv").write_text("timestamp,value\n" + rows)
    label = {"suite": "home", "rows": 4 * DAY, "windows": [[700, 799]], "onsets": [750], "unscored": 100}
    (tmp_path / "labels.json").write_text(json.dumps({"a.csv": label}))
    assert load(tmp_path)[0].times[1] - load(tmp_path)[0].times[0] == 300.0
    main(["--data", str(tmp_path), "--no-peers"])
    printed = capsys.readouterr().out
    for word in ("learned", "null", "blind", "always on", "bootstrap", "bytes", "first day"):
        assert word in printed


def test_an_alert_within_an_event_is_real_and_each_word_has_its_share():
    told = [Told(0.9, True), Told(0.6, False), Told(0.2, False)]
    assert table(told) == [
        "told likely      2 alerts, said in the mean 0.75, real 0.50",
        "told possible    1 alerts, said in the mean 0.20, real 0.00",
    ]


def test_picking_the_best_of_many_sets_looks_better_where_it_was_picked_than_elsewhere():
    chance = random.Random(1)
    files = []
    for number in range(6):
        values = [chance.gauss(0, 1) + (6 if 700 <= row < 720 and number % 2 else 0) for row in range(SERIES.rows)]
        files.append(SERIES._replace(name=f"{number}.csv", columns=[values]))
    found = picked(files)
    assert found.here >= found.there


def test_the_prototypes_cost_is_measured_where_its_folder_is_given(tmp_path):
    for name, kind in (("seenmap", "SeenMap"), ("calmband", "CalmBand")):
        (tmp_path / f"{name}.py").write_text(f"class {kind}:\n    def update(self, at, x):\n        return 0.0\n")
    ours, theirs = cost(tmp_path, [SERIES])
    assert ours > theirs > 0.0
    with pytest.raises(SystemExit, match=r"seenmap\.py"):
        cost(tmp_path / "nowhere", [SERIES])


def test_without_data_it_says_what_it_needs(tmp_path):
    with pytest.raises(SystemExit, match="DATA="):
        main([])
    with pytest.raises(SystemExit, match=r"labels\.json"):
        main(["--data", str(tmp_path)])
