# SPDX-License-Identifier: BSD-3-Clause
"""A report of a clustering: one HTML file to look at, to send and to keep."""

from ._write_report import write_report

__all__ = ["write_report"]
