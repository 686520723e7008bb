"""The day of the flight: where the sun stood, what the air and the season did to the colours."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Look:
    """Light, season and sensor of one vintage.

    Args:
        sun_azimuth_deg: Direction to the sun, clockwise from the north.
        sun_elevation_deg: Height of the sun above the horizon.
        dryness: 0 for green meadows in May, 1 for straw-coloured ones in August.
        roof_style: 0 for the south (canal tiles), 1 for the north (slate, dark tiles).
        skylight: Light in the shadows, as a share of full light.
        gain: Factor per band (R, G, B).
        haze: Level per band that the air adds, in grey values.
        contrast: Slope of the tone curve at middle grey.
        blur_px: Deviation of the point spread, in pixels.
        noise: Deviation of the sensor noise, in grey values.
    """

    sun_azimuth_deg: float = 158.0
    sun_elevation_deg: float = 50.0
    dryness: float = 0.45
    roof_style: float = 0.1
    skylight: float = 0.36
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    haze: tuple[float, float, float] = (7.0, 10.0, 15.0)
    contrast: float = 1.08
    blur_px: float = 0.72
    noise: float = 2.6

    def towards_sun(self) -> tuple[float, float, float]:
        """Return the unit vector to the sun: east, north, up."""
        azimuth, elevation = math.radians(self.sun_azimuth_deg), math.radians(self.sun_elevation_deg)
        flat = math.cos(elevation)
        return flat * math.sin(azimuth), flat * math.cos(azimuth), math.sin(elevation)


def vintage_look(*, seed: int, year: int) -> Look:
    """Return the look of a commune's orthophoto of one year: a summer day around noon.

    The region (its roofs) depends on the seed alone; day and sensor on seed and year.
    """
    region = np.random.default_rng([seed, 11])
    rng = np.random.default_rng([seed, year, 13])
    warm = rng.normal(0, 0.015)
    return Look(
        sun_azimuth_deg=rng.uniform(145, 205),
        sun_elevation_deg=rng.uniform(45, 56),
        dryness=rng.uniform(0.25, 0.75),
        roof_style=region.uniform(0.0, 0.2),
        skylight=rng.uniform(0.33, 0.40),
        gain=(1 + warm, 1.0, 1 - warm),
        noise=rng.uniform(2.0, 3.0),
        blur_px=rng.uniform(0.66, 0.80),
    )


def any_look(*, seed: int) -> Look:
    """Return a look from a much wider range, for training: seasons, suns, sensors, regions."""
    rng = np.random.default_rng([seed, 17])
    warm, green = rng.normal(0, 0.05, 2)
    level = rng.uniform(0.78, 1.12)
    haze = rng.uniform(0, 18)
    return Look(
        sun_azimuth_deg=rng.uniform(105, 255),
        sun_elevation_deg=rng.uniform(38, 62),
        dryness=rng.uniform(0.0, 1.0),
        roof_style=rng.beta(0.6, 0.8),
        skylight=rng.uniform(0.24, 0.48),
        gain=(level * (1 + warm), level * (1 + green), level * (1 - warm)),
        haze=(haze * 0.6, haze * 0.85, haze * 1.2),
        contrast=rng.uniform(0.92, 1.25),
        noise=rng.uniform(1.0, 4.5),
        blur_px=rng.uniform(0.5, 1.1),
    )
