# SPDX-License-Identifier: Apache-2.0
"""Benchmarks against floors measured in the same run. `python -m bench` runs them all."""
