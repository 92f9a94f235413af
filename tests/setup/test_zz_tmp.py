import time, pytest
from tests.conftest import *


@pytest.mark.parametrize("n", range(10))
def test_x(n, database):
    pass
