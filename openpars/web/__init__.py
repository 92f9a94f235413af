# SPDX-License-Identifier: Apache-2.0
"""What people and programs meet: pages and HTTP. One process for the desks, one for recipients."""
