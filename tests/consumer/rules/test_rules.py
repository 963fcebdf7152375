"""The grammar of rules: every rule can be printed and read again, and what is no rule says where and why."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferstream.consumer.rules.condition import FIELDS, OPERATORS, AllOf, AnyOf, Comparison, Not, Rule
from ferstream.consumer.rules.grammar import LONGEST, RuleError, parse_rule, parse_seconds
from ferstream.streams.wire.emotions import NAMES

VALUES = {
    "emotion": st.sampled_from(NAMES),
    "text": st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    "share": st.floats(0, 1),
    "count": st.integers(0, 300).map(float),
    "seconds": st.floats(0, 86400),
}


@st.composite
def comparisons(draw):
    field = draw(st.sampled_from(sorted(FIELDS)))
    operators = ["=", "!="] if FIELDS[field] in ("emotion", "text") else OPERATORS
    return Comparison(field, draw(st.sampled_from(operators)), draw(VALUES[FIELDS[field]]))


def joined(inner):
    some = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return inner.map(Not) | some.map(AllOf) | some.map(AnyOf)


rules = st.builds(Rule, st.recursive(comparisons(), joined, max_leaves=5), st.floats(0, 86400))


@settings(deadline=None)
@given(rules)
def test_a_rule_that_is_printed_and_read_again_is_the_same(rule):
    text = str(rule)
    if len(text) <= LONGEST:
        assert parse_rule(text) == rule


@settings(deadline=None)
@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from([*FIELDS, *OPERATORS, *"()", "and", "or", "not", "for", "3s", "0.5"])).map(" ".join)
)
def test_any_text_is_a_rule_or_an_error_that_shows_the_text(text):
    try:
        rule, error = parse_rule(text), None
    except RuleError as caught:
        rule, error = None, str(caught)
    if error is None:
        assert parse_rule(str(rule)) == rule
    else:
        assert error.count("\n") == 2
        assert set(error.rpartition("\n")[2]) == {" ", "^"}


def test_and_binds_more_than_or_and_not_most_of_all():
    happy, sad, many = (
        Comparison(*parts) for parts in (("emotion", "=", "happiness"), ("p_sadness", ">", 0.5), ("people", ">=", 3.0))
    )
    text = "emotion=happiness or not p_sadness>0.5 and people>=3"
    assert parse_rule(text) == Rule(AnyOf((happy, AllOf((Not(sad), many)))))
    assert parse_rule("(emotion=happiness or p_sadness > 0.5) and people >= 3 for 500ms") == Rule(
        AllOf((AnyOf((happy, sad)), many)), 0.5
    )


@pytest.mark.parametrize(
    ("text", "problem", "under"),
    [
        ("emotion=angry", "no emotion is called angry: did you mean anger?", "angry"),
        ("probabilty>0.7", "there is no field probabilty: did you mean probability?", "probabilty"),
        ("p_angr>0.7", "there is no field p_angr: did you mean p_anger?", "p_angr"),
        ("emotion==anger", "== is none of = != > >= < <=: did you mean =?", "=="),
        ("emotion=anger AND people>1", "AND does not belong here: did you mean and?", "AND"),
        ("emotion=anger fro 3s", "fro does not belong here: did you mean for?", "fro"),
        ("emotion=anger for 3sec", "sec is no unit of time: did you mean s?", "sec"),
        ("emotion=anger for 3", "a unit of time is missing: ms, s, min, h", ""),
        ("duration>5", "a unit of time is missing: ms, s, min, h", ""),
        ("probability>0.7s", "a number without a unit belongs here", "s"),
        ("probability>70", "70 is too much: 1 at most", "70"),
        ("emotion=anger for 2000000s", "2000000s is too much: 86400 s at most", "2000000s"),
        ("emotion>anger", "emotion has no order: use = or !=", ">"),
        ('camera="door', "a quote that does not end", '"'),
        ("people>1,5", "',' has no meaning here; put names in quotes", ","),
        ("(emotion=anger", "the rule ends too early; here may stand )", ""),
        ("", "the rule ends too early; here may stand (, a name, not", ""),
    ],
)
def test_what_is_no_rule_gets_a_caret_and_the_nearest_word(text, problem, under):
    with pytest.raises(RuleError) as raised:
        parse_rule(text)
    said, shown, caret = str(raised.value).split("\n")
    assert said == problem
    assert shown == f"  {text}"
    start = caret.index("^") - 2
    assert caret.count("^") == max(1, len(under))
    assert text[start : start + len(under)] == under
    assert start + len(under) <= len(text)


def test_the_caret_stands_under_the_place_after_wide_letters():
    with pytest.raises(RuleError, match="no field x") as raised:
        parse_rule('camera="门口" and x=1')
    assert str(raised.value).rpartition("\n")[2] == "  " + " " * len('camera="----" and ') + "^"


def test_a_rule_of_a_camera_with_an_odd_name():
    name = 'a "b" \\ <b>💥\n'
    assert parse_rule(str(Rule(Comparison("camera", "=", name)))).condition.value == name
    assert parse_rule("camera=door-1").condition.value == "door-1"


def test_a_text_that_is_too_long_is_refused_whatever_it_says():
    with pytest.raises(RuleError, match=f"{LONGEST} letters at most"):
        parse_rule("not " * LONGEST + "people>1")
    deep = (LONGEST - len("people>1")) // 4
    assert str(parse_rule("not " * deep + "people>1")) == "not " * deep + "people>1"


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("3s", 3), ("1.5min", 90), ("2h", 7200), (" 60s ", 60), ("1e1s", 10)]
)
def test_durations(text, seconds):
    assert math.isclose(parse_seconds(text), seconds)


@pytest.mark.parametrize(
    ("text", "problem"), [("60", "a unit"), ("-3s", "no number"), ("", "missing"), ("5m", "did you mean ms"), ("99h", "too much")]
)
def test_what_is_no_duration(text, problem):
    with pytest.raises(RuleError, match=problem):
        parse_seconds(text)
