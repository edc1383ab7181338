"""Texts made to keep the patterns of the keywords busy, judged one after the other; run as a program, in a subprocess.

What is repeated are the words that the patterns themselves name, so that a new word of a list is tried by itself.
"""

import re
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from typing import Any

from consent import keywords, phrases

parser: Any = import_module("re._parser")
LONGEST = 4096
# Enough for what doubles with every word to take for ever, and cheap for what does not.
MANY = 32
# Start what goes on over repeated words, in clauses that themselves opt out already.
PREFIXES = (
    "leave me alone nicht",
    "bitte",
    "ich will",
    "stop",
    "don t send me",
    "ich bekomme",
    "warum bekomme ich das",
)


def examples(parsed: Any) -> list[str]:
    """Texts that a parsed pattern finds: every word it names once, without all the ways to join them."""
    made = [""]
    for code, value in parsed:
        each = _of_one(str(code), value)
        made = [made[0] + one for one in each] + [one + each[0] for one in made[1:]]
    return made


def _of_one(code: str, value: Any) -> list[str]:
    if code == "LITERAL":
        return [chr(value)]
    if code in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        return [one * max(value[0], 1) for one in examples(value[2])]
    if code == "BRANCH":
        return [one for branch in value[1] for one in examples(branch)]
    if code in ("SUBPATTERN", "ATOMIC_GROUP"):
        return examples(value[-1] if code == "SUBPATTERN" else value)
    return ["a"] if code in ("IN", "ANY", "NOT_LITERAL") else [""]


def repeated(parsed: Any) -> Iterator[str]:
    """What the pattern may repeat without an end."""
    for code, value in parsed:
        name = str(code)
        if name.endswith("_REPEAT"):
            if value[1] == parser.MAXREPEAT:
                yield from examples(value[2])
            yield from repeated(value[2])
        elif name == "BRANCH":
            for branch in value[1]:
                yield from repeated(branch)
        elif name == "SUBPATTERN":
            yield from repeated(value[-1])


def texts() -> Iterator[str]:
    """All of them: for the lists, for the patterns as a whole and for what the patterns repeat."""
    found = [value for module in (phrases, keywords) for value in vars(module).values()]
    listed = sorted({phrase for value in found if isinstance(value, set) for phrase in value})
    patterns = [parser.parse(one.pattern) for one in found if isinstance(one, re.Pattern)]
    patterns += [
        parser.parse(one.pattern) for each in (keywords.WHYS, keywords.WHYS_AT_THE_END) for one in each.values()
    ]
    named = {word for parsed in patterns for one in examples(parsed) for word in one.split()}
    pumps = sorted({one for parsed in patterns for one in repeated(parsed)} - {""})
    for prefix in PREFIXES:
        for one in pumps:
            yield f"{prefix} {one.strip()}{(' ' + one.strip()) * MANY} x"
        yield prefix + "".join(pumps) * 3 + " x"
    words = sorted(named)
    for one in [*listed, *words, *pumps]:
        yield " ".join([one] * MANY) + " x"
    for one, other in [*pairwise(listed), *pairwise(pumps)]:
        yield f"{one} {other} " * MANY + "x"
    # As long as it gets: what grows with the square or worse of the length.
    for one in [*pumps[::4], *words[::16], "a", "a.aa", ".", "?", ",", "a,", "a?", "-", " - ", "\n", "://", "www."]:
        for joint in ("", " "):
            yield (one + joint) * (LONGEST // len(one + joint)) + "x"


if __name__ == "__main__":
    for text in texts():
        print(text[:300].replace("\n", " "), flush=True)  # noqa: T201
        keywords.recognise(text)
    # What takes away links looks at every character: beyond what is read, the square of the length would show.
    for one in ("a", "a.aa", "www.", "://"):
        keywords.LINK.sub(" ", one * 200_000)
