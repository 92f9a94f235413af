# SPDX-License-Identifier: Apache-2.0
"""What can be proved about an agreement, and how two texts differ. Pure: no database, no clock."""
