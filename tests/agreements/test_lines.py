# SPDX-License-Identifier: Apache-2.0
"""Every key is found in its own line, in every way TOML lets it be written."""

from __future__ import annotations

import re
import tomllib

import pytest

from openpars.agreements.language.lines import LineIndex, Path

# What begins in a line stands after its arrow; `~` is a space in a name.
TEXT = r"""# A comment with [brackets], "quotes" and an = sign

first = 1 # <- first
"second key" = "a # that is none, with \" and ] and }" # <- second~key
'third' = 'a \' # <- third
a.b.c = true # <- a.b.c

a . "d" = 2 # <- a.d
Bare-word_1=3 # <- Bare-word_1
XX = 3 # <- XX
list = [ # <- list
  1, # <- list.0
  "two", # <- list.1
  [3, # <- list.2 list.2.0
   4], # <- list.2.1
  { in = 5, out = [6, # <- list.3 list.3.in list.3.out list.3.out.0
    7] }, # <- list.3.out.1

  # ] a comment in between, with a comma
  2026-01-01T00:00:00Z # <- list.4
  , ''', # <- list.5
]
nobody = 1''' # the end
] # the end
empty = [] # <- empty
none = {} # <- none
tight={x=1} # <- tight tight.x
close=[1,[[2]],3] # <- close close.0 close.1 close.1.0 close.1.0.0 close.2
many = QQQ
nobody = 1
[not.a.table]
a quote " and two "" and an escaped \QQQ and four at its end QQQ"
after = 'x' # <- after
raw = '''
nobody = '' 2 \'''
then = { x = 1, y = { z = "}" }, "w" = [ ] } # <- then then.x then.y then.y.z then.w
number = -1.5e3#<- number
[table] # <- table
key = 1 # <- table.key

[ table . "sub table" ] # <- table.sub~table
key = 1 # <- table.sub~table.key
[[grant]] # <- grant grant.0
about = 1 # <- grant.0.about
[grant.show] # <- grant.0.show
name = 1 # <- grant.0.show.name
[[grant.part]] # <- grant.0.part grant.0.part.0
x = 1 # <- grant.0.part.0.x
[[grant.part]] # <- grant.0.part.1
x = 1 # <- grant.0.part.1.x
[grant.part.deep] # <- grant.0.part.1.deep
x = 1 # <- grant.0.part.1.deep.x
[[grant]] # <- grant.1
about = 2 # <- grant.1.about
[[grant.part]] # <- grant.1.part grant.1.part.0
	tabbed	=	1	# <- grant.1.part.0.tabbed
[[grant]] # <- grant.2
[last] # <- last
x = 1
""".replace("QQQ", '"""')


def place(path: str) -> Path:
    parts = path.replace("~", " ").split(".")
    return tuple(int(part) if part.isdigit() else part for part in parts)


PLACES = [
    (place(path), number)
    for number, line in enumerate(TEXT.split("\n"), start=1)
    for said in re.findall(r"# ?<- (.*)", line)
    for path in said.split(" ")
]


def test_the_text_is_one_that_the_parser_takes() -> None:
    values = tomllib.loads(TEXT)
    assert (values["a"], values["list"][3]["out"]) == ({"b": {"c": True}, "d": 2}, [6, 7])
    assert ("nobody" in values, len(values["list"]), len(values["grant"])) == (False, 6, 3)
    assert len(PLACES) == len({path for path, _ in PLACES}) > 50


@pytest.mark.parametrize(("path", "number"), PLACES, ids=str)
def test_each_key_stands_in_its_line(path: Path, number: int) -> None:
    assert LineIndex(TEXT).line(*path) == number


def test_what_stands_nowhere_is_looked_for_around_it() -> None:
    lines = LineIndex(TEXT)
    assert lines.line("grant", 0, "show", "nothing", 3) == lines.line("grant", 0, "show")
    assert lines.line("grant", 0, "show", "nothing") == lines.line("grant", 0, "show")
    assert lines.line("grant", 9, "show") == lines.line("grant")
    first = LineIndex("[t]\nx = 1")
    assert (first.line("t"), first.line("t", "x")) == (1, 2)
    assert lines.line("last", "x") == TEXT.count("\n")
    assert [lines.line("nobody"), lines.line("not", "a"), lines.line(), LineIndex("").line("x")] == [
        1,
        1,
        1,
        1,
    ]
