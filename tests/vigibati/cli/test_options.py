from __future__ import annotations

import pytest

from vigibati.cli.options import checked_bands
from vigibati.configs.errors import SettingsError


def test_bands_are_numbers_between_commas() -> None:
    assert checked_bands(None) is None
    assert checked_bands("4, 1,2") == (4, 1, 2)
    with pytest.raises(SettingsError, match="--bands: 'nir,red' is no list of band numbers; give numbers"):
        checked_bands("nir,red")
