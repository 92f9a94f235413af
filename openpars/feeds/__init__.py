# SPDX-License-Identifier: Apache-2.0
"""What other systems send us, as they send it. The pure half reads; `act` performs, through the desks."""
