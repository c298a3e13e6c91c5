# SPDX-License-Identifier: BSD-3-Clause
"""Networks, losses, augmentation and the training loop: torch only, no scikit-learn."""
