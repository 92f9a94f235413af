# SPDX-License-Identifier: Apache-2.0
"""Who may act: keys for programs, sessions for people. What they may do is decided elsewhere."""
