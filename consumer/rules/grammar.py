"""From the text of a rule to the rule: `emotion=anger and probability>0.7 for 3s`. What is wrong is shown where it stands."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast
from unicodedata import east_asian_width

from ferstream.consumer.rules.condition import (
    FIELDS,
    OPERATORS,
    UNITS,
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Not,
    Operator,
    Rule,
    Value,
)
from ferstream.streams.errors import FerstreamError, how_to_install
from ferstream.streams.wire.emotions import NAMES

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

#: In letters. A text that is longer is no rule.
LONGEST: Final = 500
#: The largest value of a share, a count, and seconds.
_MOST: Final = {"share": 1.0, "count": 1e6, "seconds": 86400.0}

# Any word may stand where a field, an emotion or a unit is due, and any signs where an operator is: what they mean is looked up
# afterwards, so that a slip gets the nearest known word.
_GRAMMAR = r"""
rule: condition ["for" AMOUNT]
?condition: all | all ("or" all)+ -> any_of
?all: opposite | opposite ("and" opposite)+ -> all_of
?opposite: "not" opposite -> opposite
    | "(" condition ")"
    | WORD OPERATOR (WORD | AMOUNT | QUOTED) -> comparison

WORD: /[^\W\d][\w-]*/
AMOUNT: /\d+(\.\d+)?([eE][-+]?\d+)?[^\W\d]*/
QUOTED: /"(\\.|[^"\\])*"/s
OPERATOR: /[=!<>~&|]+/
%ignore /\s+/
"""
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(\w*)")
_KEYWORDS = ("and", "or", "not", "for")
_DUE = {
    "WORD": "a name",
    "AMOUNT": "a number",
    "QUOTED": "a text in quotes",
    "OPERATOR": f"one of {' '.join(OPERATORS)}",
    **{keyword.upper(): keyword for keyword in _KEYWORDS},
    "LPAR": "(",
    "RPAR": ")",
    "$END": "its end",
}


class RuleError(FerstreamError):
    """The text is no rule: what is wrong, and the text with a caret under the place."""

    def __init__(self, text: str, start: int, end: int, problem: str) -> None:
        shown = "".join(letter if letter.isprintable() else "?" for letter in text)
        super().__init__(f"{problem}\n  {shown}\n  {' ' * _columns(shown[:start])}{'^' * max(1, _columns(shown[start:end]))}")


def parse_rule(text: str) -> Rule:
    """The rule that a text says. Raises RuleError, and FerstreamError where lark is not installed."""
    if len(text) > LONGEST:
        raise RuleError(text[:60], 60, 61, f"a rule has {LONGEST} letters at most; this has {len(text)}")
    parser = _parser()
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken

    try:
        return _Reader(text).rule(parser.parse(text))
    except UnexpectedCharacters as error:
        at = error.pos_in_stream or 0
        problem = "a quote that does not end" if text[at] == '"' else f"{text[at]!r} has no meaning here; put names in quotes"
        raise RuleError(text, at, at + 1, problem) from None
    except UnexpectedToken as error:
        raise _unexpected(text, error.token, error.accepts or error.expected) from None


def parse_seconds(text: str) -> float:
    """Seconds of a duration such as 500ms, 3s, 5min or 1h, without a sign. Raises RuleError."""
    return _Reader(text).amount(text.strip(), len(text) - len(text.lstrip()), "seconds")


@cache
def _parser() -> "Lark":
    try:
        from lark import Lark
    except ImportError:
        raise FerstreamError(f"rules need lark: {how_to_install('rules')}") from None
    return Lark(_GRAMMAR, start="rule", parser="lalr", lexer="basic")


class _Reader:
    """Reads the tree of one text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def rule(self, tree: "Tree[Token]") -> Rule:
        condition, hold = tree.children
        if hold is None:
            return Rule(self._condition(cast("Any", condition)))
        token = cast("Token", hold)
        return Rule(self._condition(cast("Any", condition)), self.amount(token, token.start_pos or 0, "seconds"))

    def amount(self, text: str, at: int, kind: str) -> float:
        """A number in the range of its kind, with a unit where it is one of seconds."""
        found = _AMOUNT.fullmatch(text)
        if found is None:
            raise self._error(at, text, f"{text!r} is no number" if text else "a duration is missing: 500ms, 3s, 5min or 1h, say")
        number, unit = float(found[1]), found[2]
        if kind != "seconds" and unit:
            raise self._error(at + found.start(2), unit, "a number without a unit belongs here")
        if kind == "seconds" and unit not in UNITS:
            raise self._error(at + found.start(2), unit, _unit_problem(unit))
        number *= UNITS.get(unit, 1.0)
        if number > _MOST[kind]:
            raise self._error(at, text, f"{text} is too much: {_MOST[kind]:g}{' s' if kind == 'seconds' else ''} at most")
        return number

    def _condition(self, tree: "Tree[Token]") -> Condition:
        if tree.data == "comparison":
            return self._comparison(*cast("list[Token]", tree.children))
        parts = tuple(self._condition(cast("Any", child)) for child in tree.children)
        if tree.data == "opposite":
            return Not(*parts)
        return AllOf(parts) if tree.data == "all_of" else AnyOf(parts)

    def _comparison(self, field: "Token", operator: "Token", value: "Token") -> Comparison:
        if field not in FIELDS:
            raise self._error_at(field, f"there is no field {field}{_nearest(field, FIELDS)}")
        if operator not in OPERATORS:
            raise self._error_at(operator, f"{operator} is none of {' '.join(OPERATORS)}{_nearest(operator, OPERATORS)}")
        kind = FIELDS[field]
        if kind in ("emotion", "text") and operator not in ("=", "!="):
            raise self._error_at(operator, f"{field} has no order: use = or !=")
        return Comparison(str(field), cast("Operator", str(operator)), self._value(kind, value))

    def _value(self, kind: str, token: "Token") -> Value:
        text = re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL) if token.type == "QUOTED" else str(token)
        if kind == "text":
            return text
        if kind != "emotion":
            return self.amount(str(token), token.start_pos or 0, kind)
        if text not in NAMES:
            raise self._error_at(token, f"no emotion is called {text}{_nearest(text, NAMES) or ': ' + ', '.join(NAMES)}")
        return text

    def _error_at(self, token: "Token", problem: str) -> RuleError:
        return self._error(token.start_pos or 0, token, problem)

    def _error(self, at: int, text: str, problem: str) -> RuleError:
        return RuleError(self._text, at, at + len(text), problem)


def _unexpected(text: str, token: "Token", due: Iterable[str]) -> RuleError:
    wanted = ", ".join(sorted(_DUE[name] for name in due))
    if token.type == "$END":
        return RuleError(text, len(text.rstrip()), 0, f"the rule ends too early; here may stand {wanted}")
    start = token.start_pos or 0
    keywords = [_DUE[name] for name in due if _DUE[name] in _KEYWORDS]
    problem = f"{token} does not belong here{_nearest(token, keywords) or f'; here may stand {wanted}'}"
    return RuleError(text, start, start + len(token), problem)


def _unit_problem(unit: str) -> str:
    if not unit:
        return f"a unit of time is missing: {', '.join(UNITS)}"
    return f"{unit} is no unit of time{_nearest(unit, UNITS) or ': ' + ', '.join(UNITS)}"


def _columns(text: str) -> int:
    """How many columns a terminal needs for it."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _nearest(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word.lower(), list(known), n=1, cutoff=0.5)
    return f": did you mean {near[0]}?" if near else ""
