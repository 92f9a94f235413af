# SPDX-License-Identifier: Apache-2.0
"""The agreement's text: TOML to values and back, its canonical form, plain text in two languages. Pure."""
