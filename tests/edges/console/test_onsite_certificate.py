"""The page's certificate over the years; the clock is an argument."""

import ssl
from datetime import UTC, datetime, timedelta

import pytest

from edge_agent.console.web.certificate import BEFORE, NAME, CertificateError, context, is_new

MADE = datetime(2027, 1, 15, 12, tzinfo=UTC)


@pytest.fixture
def shown(tmp_path):
    """Opens the page after so many days; gives the certificate's file and when the one before would have ended."""

    def after(days: float):
        told: list[datetime] = []
        assert context(tmp_path, MADE + timedelta(days=days), told.append).minimum_version == ssl.TLSVersion.TLSv1_2
        return (tmp_path / NAME).read_bytes(), told

    return after


def der(pem: bytes) -> bytes:
    return ssl.PEM_cert_to_DER_cert("-----BEGIN CERT" + pem.decode().partition("-----BEGIN CERT")[2])


def test_it_stays_the_same_until_fewer_than_ninety_days_are_left_and_then_is_new_and_told(shown, tmp_path):
    first, told = shown(0)
    assert told == []
    assert shown(729.9) == (first, [])
    second, told = shown(730.1)
    assert second != first
    assert [f"{ends:%Y-%m-%d}" for ends in told] == ["2029-04-14"]
    assert (tmp_path / BEFORE).read_bytes() == first, "a wrong clock costs no certificate"
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600
    assert shown(731) == (second, [])


def test_one_that_has_ended_while_nobody_looked_is_renewed(shown):
    first, _ = shown(0)
    assert shown(2000)[0] != first


def test_a_clock_that_is_behind_changes_nothing(shown):
    first, _ = shown(0)
    assert shown(-9000) == (first, [])


def test_it_is_new_for_a_day(shown):
    made = der(shown(0)[0])
    days = (-1.0, 0.0, 0.9, 1.1)
    assert [is_new(made, MADE + timedelta(days=each)) for each in days] == [False, True, True, False]


def test_a_file_that_is_none_is_told_and_not_replaced(shown, tmp_path):
    (tmp_path / NAME).write_bytes(b"my own notes")
    with pytest.raises(CertificateError, match="remove it to make a new one"):
        shown(0)
    assert (tmp_path / NAME).read_bytes() == b"my own notes"
