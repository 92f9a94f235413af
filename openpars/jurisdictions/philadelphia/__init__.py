# SPDX-License-Identifier: Apache-2.0
"""Philadelphia as data: rules with effective dates, statutes, screened words. `record.pack` reads it."""
