# SPDX-License-Identifier: Apache-2.0
"""`python -m openpars.cli`, which is how the city's processes are started."""

from openpars.cli import main

main()
