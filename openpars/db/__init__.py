# SPDX-License-Identifier: Apache-2.0
"""The floor: PostgreSQL, found, started, connected to. It knows nothing of arrests."""
