"""Rates: what is lost is told over a while, what comes over the last second."""

from ferstream.consumer.deployment.rates import RateMeter
from ferstream.streams.frames.account import Account


def account(captured: int, expired: int = 0) -> Account:
    return Account(captured=captured, published=0, expired=expired, dead={}, dropped={}, in_flight=captured - expired)


def test_a_second_in_which_nothing_expires_is_no_end_of_it():
    meter = RateMeter()
    assert meter.rates(account(0), [], 0.0) is None
    assert meter.rates(account(10, 5), [], 1.0).expired == 5.0
    seen = meter.rates(account(30, 5), [], 2.0)
    assert (seen.captured, seen.expired) == (20.0, 2.5)
    for now in range(3, 19):
        seen = meter.rates(account(30, 5), [], float(now))
    assert (seen.captured, seen.expired) == (0.0, 0.0)


def test_an_account_that_begins_anew_has_no_rates_yet():
    meter = RateMeter()
    meter.rates(account(100, 50), [], 0.0)
    assert meter.rates(account(3), [], 1.0) is None
    assert meter.rates(account(5), [], 2.0).captured == 2.0
