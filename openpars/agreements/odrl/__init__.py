# SPDX-License-Identifier: Apache-2.0
"""Agreements as ODRL 2.2 with DPV purposes, both ways. Pure."""
