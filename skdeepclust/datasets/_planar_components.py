# SPDX-License-Identifier: BSD-3-Clause
"""Components of the planar sets: (share of the objects, how to draw it), in the order of their labels.

The numbers were fitted to the points in figure 5 of the paper. Lengths are relative to the radius of a moon in TB
and SF, and points of the printed page in CC, CG and Flower; y grows upwards. Shares are whole numbers with any sum.
"""

import math
from functools import partial

from ._shapes import arc, gaussian, ring, segment

COMPONENTS = {
    "TB": (
        (500, partial(arc, centre=(0.449299, -0.156139), radius=0.991959, angles=(0.0, math.pi), noise=0.145807)),
        (500, partial(arc, centre=(-0.550773, 0.136974), radius=1.00804, angles=(-math.pi, 0.0), noise=0.150533)),
    ),
    "SF": (
        (190, partial(arc, centre=(1.33518, -0.0708743), radius=0.995909, angles=(0.0, math.pi), noise=0.185591)),
        (190, partial(arc, centre=(-1.30339, -0.0637617), radius=1.00409, angles=(0.0, math.pi), noise=0.179083)),
        (
            247,
            partial(arc, centre=(0.0318797, 0.00803106), radius=1.29335, angles=(-math.pi, 0.0), noise=0.181819),
        ),
        (33, partial(gaussian, centre=(0.0436773, -0.568355), spread=(0.150848, 0.144975))),
    ),
    "CC": (
        (697, partial(ring, centre=(0.086945, 0.587176), radius=7.39557, noise=1.38679)),
        (1646, partial(ring, centre=(0.155904, 0.126115), radius=17.8485, noise=1.32544)),
        (2657, partial(ring, centre=(-0.0194976, 0.303671), radius=28.2466, noise=1.35295)),
    ),
    "CG": (
        (3024, partial(ring, centre=(-0.119027, -0.0693082), radius=31.4017, noise=0.78791)),
        (976, partial(ring, centre=(-0.077358, -0.0243283), radius=10.4678, noise=0.759213)),
        (668, partial(gaussian, centre=(0.0172682, 0.0427923), spread=(3.20461, 3.21137))),
        (682, partial(gaussian, centre=(20.6777, -0.0749684), spread=(3.13595, 3.24947))),
        (666, partial(gaussian, centre=(-0.0476959, 21.1699), spread=(3.1916, 3.08888))),
        (676, partial(gaussian, centre=(-21.1459, -0.0268287), spread=(3.16049, 3.21711))),
        (666, partial(gaussian, centre=(0.0214377, -21.062), spread=(3.1511, 3.21106))),
        (630, partial(gaussian, centre=(14.8607, 14.727), spread=(3.06023, 3.18019))),
        (688, partial(gaussian, centre=(-15.0491, 14.8414), spread=(3.09738, 2.95917))),
        (643, partial(gaussian, centre=(-15.0009, -14.8216), spread=(3.21352, 3.22729))),
        (681, partial(gaussian, centre=(14.8814, -14.8641), spread=(3.1731, 3.08528))),
    ),
    "Flower": (
        (378, partial(gaussian, centre=(-0.144969, 0.118336), spread=(0.789759, 0.826159))),
        (914, partial(segment, ends=((22.973, 0.026456), (4.13598, 0.142532)), noise=0.971107)),
        (902, partial(segment, ends=((-4.61504, 0.134956), (-23.066, 0.105203)), noise=0.809696)),
        (2346, partial(arc, centre=(-11.6698, 20.0673), radius=9.13129, angles=(-0.63659, 4.75156), noise=0.978931)),
        (2466, partial(arc, centre=(11.2843, -19.7232), radius=9.13363, angles=(2.51985, 7.96674), noise=1.00578)),
        (878, partial(segment, ends=((-2.41874, 4.23402), (-11.6255, 20.083)), noise=0.97721)),
        (903, partial(segment, ends=((2.22185, -4.03538), (11.4143, -19.8588)), noise=0.979697)),
        (2354, partial(arc, centre=(11.2921, 20.0563), radius=9.10966, angles=(-1.63415, 3.73895), noise=0.982814)),
        (2326, partial(arc, centre=(-11.6443, -19.7799), radius=9.10264, angles=(1.52137, 6.90369), noise=0.942049)),
        (918, partial(segment, ends=((11.4083, 20.0013), (1.77488, 3.49319)), noise=1.00335)),
        (920, partial(segment, ends=((-11.8478, -19.9638), (-2.46681, -3.77044)), noise=1.02071)),
        (2386, partial(arc, centre=(22.8378, 0.0780063), radius=9.13868, angles=(-2.64306, 2.65976), noise=0.989962)),
        (2297, partial(arc, centre=(-23.0852, 0.166732), radius=9.10064, angles=(0.520871, 5.88132), noise=1.03759)),
    ),
}
