# SPDX-License-Identifier: BSD-3-Clause
"""What every floor above may use: parameter checks, warnings, optional imports."""
