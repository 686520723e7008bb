"""Settings of GDAL for as long as a block lasts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pyogrio


@contextmanager
def gdal_settings(settings: Mapping[str, str]) -> Iterator[None]:
    """Give pyogrio's GDAL some options, and those it had before when the block ends.

    Args:
        settings: Values by name of the configuration option.
    """
    before = {name: pyogrio.get_gdal_config_option(name) for name in settings}
    pyogrio.set_gdal_config_options(dict(settings))
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(before)
