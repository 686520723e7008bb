"""From light to grey values: point spread, air, tone, noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from vigibati.datasets.synth.rendering.acquisition import Look
from vigibati.datasets.synth.rendering.canvas import Frame, Plane
from vigibati.datasets.synth.rendering.noise import grain, rgb

BLUR_REACH_PX = 8
"""Pixels around a frame that its blurred values depend on."""


def photographed(light: Plane, frame: Frame, look: Look) -> NDArray[np.uint8]:
    """Return what the sensor and its processing make of the light.

    Args:
        light: Colours as lit, (H + 2 * BLUR_REACH_PX, W + 2 * BLUR_REACH_PX, 3).
        frame: The inner frame, without the margin.
        look: Sensor and air.

    Returns:
        Grey values, (H, W, 3), R, G, B.
    """
    cut = slice(BLUR_REACH_PX, -BLUR_REACH_PX)
    soft = gaussian_filter(light, (look.blur_px, look.blur_px, 0), truncate=3.0)
    wide = gaussian_filter(soft, (1.6, 1.6, 0), truncate=2.5)
    sharp = (soft + 0.45 * (soft - wide))[cut, cut]  # every published orthophoto is sharpened
    colour = sharp * rgb(*look.gain) * 0.97 + rgb(*look.haze)
    colour = 116 + (colour - 116) * np.float32(look.contrast)
    luminance = grain(frame, "fine", 901)
    shot = np.sqrt(np.clip(colour, 8, 255) / 120) * np.float32(look.noise)
    colour += (0.8 * luminance)[..., None] * shot
    for band in range(3):
        colour[..., band] += 0.55 * grain(frame, "fine", 903 + band) * shot[..., band]
    # A soft knee instead of burnt-out whites.
    knee = np.float32(205)
    over = colour > knee
    colour[over] = knee + (colour[over] - knee) * np.float32(0.6)
    grey: NDArray[np.uint8] = np.clip(np.rint(colour), 0, 255).astype(np.uint8)
    return grey
