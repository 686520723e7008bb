from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from vigibati.configs.errors import SettingsError
from vigibati.configs.territory import Territory, load_territory, usual_territory

BELGIUM = {
    "version": 1,
    "name": "belgium",
    "legal_crs": [3812],
    "parcel": {"pattern": "(?P<commune>[0-9]{5})[A-Z].*"},
}


def written(folder: Path, **changes: Any) -> Path:
    path = folder / "belgium.yaml"
    path.write_text(yaml.safe_dump(BELGIUM | changes), encoding="utf-8")
    return path


def test_france_is_read_once_with_its_outline() -> None:
    france = usual_territory()
    assert france is usual_territory()
    assert (france.name, france.legal_crs[0]) == ("france", 2154)
    assert france.outline is not None
    assert france.outline.is_absolute()
    assert france.outline.stat().st_size < 100_000
    # Provenance keeps names of files, not of folders.
    assert france.model_dump(mode="json")["outline"] == "france.geojson"


def test_a_file_is_found_beside_what_names_it(tmp_path: Path) -> None:
    written(tmp_path)
    found = load_territory("belgium.yaml", beside=tmp_path)
    assert (found.legal_crs, found.outline, found.parcel.label) == ((3812,), None, '"parcel_id"')
    with pytest.raises(
        SettingsError, match=r"territory 'belgium': is not a preset, nor a file of /.*; the presets are fr"
    ):
        load_territory("belgium", beside=tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"legal_crs": []}, "key 'legal_crs'"),
        ({"legal_epsg": [3812]}, "key 'legal_epsg'"),
        ({"outline": "nowhere.geojson"}, r"key 'outline': .*nowhere\.geojson is not there; give a GeoJSON"),
        ({"parcel": {"pattern": "[0-9]+"}}, r"key 'parcel': pattern must have a group \(\?P<commune>"),
        ({"parcel": {"pattern": "(?P<commune>.)(?P<town>.)"}}, "pattern must have a group"),
        ({"parcel": {"pattern": "(?P<commune>["}}, "key 'parcel.pattern': is no regular expression"),
        ({"parcel": {"pattern": "(?P<commune>.)(?P<prefix>.)"}}, "prefix and a short_pattern go together"),
        ({"parcel": {"pattern": "(?P<commune>.)", "short_pattern": "."}}, "go together"),
    ],
)
def test_a_territory_that_does_not_hold_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    path = written(tmp_path, **changes)
    with pytest.raises(SettingsError, match=rf"^{path}: .*{message}"):
        Territory.read(path)
