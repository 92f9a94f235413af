# SPDX-License-Identifier: Apache-2.0
"""What each recipient can see: one physical table per agreement version and purpose.

A recipient never queries the city's record. It queries its share. What is not granted is not there.
This is the only package that composes SQL, and only table names, through the driver's identifiers.
"""
