# SPDX-License-Identifier: Apache-2.0
"""The numbers an operator may set for strangers: within bounds, kept, and never a way to turn a limit off."""

from __future__ import annotations

import pytest

from openpars.cli import up
from openpars.cli.say import CannotRunError
from openpars.settings import City
from openpars.web import desk_app


@pytest.mark.parametrize("wrong", ["0.0.0.0/0", "::/0", "everybody", "10.0.0.1/8", ""])
def test_no_server_in_front_is_everybody(wrong: str) -> None:
    with pytest.raises(CannotRunError):
        up._proxies([wrong])


def test_servers_in_front_are_named_or_taken_back() -> None:
    assert up._proxies(None) is None
    assert up._proxies(["none"]) == ()
    assert up._proxies(["10.0.0.5", "fd00::/64"]) == ("10.0.0.5/32", "fd00::/64")


@pytest.mark.parametrize(("written", "held"), [(100.0, 0.5), (-1.0, 0.01), (0.3, 0.3)])
def test_whatever_stands_in_the_citys_file_there_is_a_limit(written: float, held: float) -> None:
    lanes = desk_app.lanes(City(base_url="", demo=True, public_share=written))
    pace = lanes["readers"].pace
    assert pace.wait(0.0) == 0
    pace.spend(2.0 + held)  # the burst, and a second's worth more
    assert pace.wait(0.0) == pytest.approx(1.0)
