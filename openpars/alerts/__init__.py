# SPDX-License-Identifier: Apache-2.0
"""Who is told. An alert is a disclosure: it goes through the door, and it ends with the agreement."""
