# SPDX-License-Identifier: Apache-2.0
"""Ballots as they are asked, taken, signed, counted, and read by each rule."""
