# SPDX-License-Identifier: Apache-2.0
"""The pages: server-rendered, made for a desk at 4 a.m., readable without JavaScript."""
