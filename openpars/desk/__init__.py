# SPDX-License-Identifier: Apache-2.0
"""What a person does at a desk: each act one transaction, one version, one note in the acts log."""
