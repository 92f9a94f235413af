# SPDX-License-Identifier: Apache-2.0
"""Letters about an agreement, and the whole correspondence as paper."""
