# SPDX-License-Identifier: Apache-2.0
"""The door: the only way any of the record reaches anyone outside. There is no switch that turns it off."""
