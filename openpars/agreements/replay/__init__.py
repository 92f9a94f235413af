# SPDX-License-Identifier: Apache-2.0
"""What another text would have made of what was disclosed, and what was to be seen on a day. Pure."""
