"""The seven learning-rate policies, against their formulas."""

from __future__ import annotations

import math

import pytest

from netloom.errors import InvalidOptions
from netloom.training import RateFields, RatePolicy


def form(**fields: str) -> RateFields:
    return RateFields.from_form(fields)


@pytest.mark.parametrize(
    ("policy", "progress", "rate"),
    [
        ("fixed", 70, 0.01),
        ("step", 32.9, 0.01),
        ("step", 33, 0.001),
        ("step", 100, 0.00001),
        ("multistep", 49.9, 0.01),
        ("multistep", 50, 0.005),
        ("multistep", 85, 0.0025),
        ("exp", 10, 0.01 * 0.95**10),
        ("inv", 40, 0.01 / math.sqrt(5)),
        ("poly", 25, 0.01 * 0.75**3),
        ("poly", 100, 0.0),
        ("sigmoid", 50, 0.005),
        ("sigmoid", 60, 0.01 / (1 + math.e)),
    ],
)
def test_policies_with_their_default_numbers(policy, progress, rate):
    assert form(lr_policy=policy).policy().rate(0.01, progress) == pytest.approx(rate, rel=1e-12)


def test_a_steep_sigmoid_ends_at_nothing():
    policy = RatePolicy(name="sigmoid", gamma=1000, step_size=50)
    assert (policy.rate(1, 0), policy.rate(1, 100)) == (1, 0)


def test_the_preview_has_a_curve_per_rate():
    curves = form(learning_rate="[0.1, 0.01]", lr_policy="multistep").preview()
    assert [len(curve) for curve in curves] == [101, 101]
    assert [curve[0] for curve in curves] == [0.1, 0.01]
    assert [curve[100] for curve in curves] == [0.025, 0.0025]  # steps count anew for each rate


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"lr_policy": "cosine"}, "'cosine' is not one of"),
        ({"lr_step_size": "0"}, "Must be more than 0."),
        ({"lr_multistep_values": "50,x"}, "'x' is not a number."),
        ({"lr_multistep_values": "50,120"}, "120 is out of range"),
        ({"learning_rate": "0.1,-1"}, "-1 is out of range"),
        ({"learning_rate": "fast"}, "'fast' is not a number."),
        ({"learning_rate": "nan"}, "'nan' is not a number."),
    ],
)
def test_bad_numbers_are_named(fields, sentence):
    with pytest.raises(InvalidOptions) as caught:
        form(**fields)
    assert caught.value.errors[next(iter(fields))][0].startswith(sentence)
