from __future__ import annotations

import re
from pathlib import Path

import pytest
from pyproj import CRS

from vigibati.configs.errors import RasterError
from vigibati.datasets.orthophoto.raster_crs import read_crs

_ODD = (
    'PROJCS["odd",GEOGCS["unknown",DATUM["{datum}",SPHEROID["x",{axis},{flattening}]],'
    'PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Lambert_Conformal_Conic_2SP"],'
    'PARAMETER["latitude_of_origin",46.5],PARAMETER["central_meridian",3],'
    'PARAMETER["standard_parallel_1",{parallel}],PARAMETER["standard_parallel_2",44],'
    'PARAMETER["false_easting",700000],PARAMETER["false_northing",6600000],UNIT["metre",1]]'
)
_PATH = Path("ortho.tif")


def _odd(
    *, datum: str = "unnamed", axis: float = 6378137, flattening: float = 298.257223563, parallel: float = 49
) -> str:
    return _ODD.format(datum=datum, axis=axis, flattening=flattening, parallel=parallel)


@pytest.mark.parametrize(
    "wkt",
    [
        _odd(),
        _odd(flattening=298.257222101),
        CRS.from_authority("IGNF", "LAMB93").to_wkt(),
        CRS("ESRI:102110").to_wkt("WKT1_ESRI"),
        CRS("EPSG:5698").to_wkt(),
        CRS(
            "+proj=lcc +lat_0=46.5 +lon_0=3 +lat_1=49 +lat_2=44 +x_0=700000 +y_0=6600000 +ellps=GRS80 "
            "+towgs84=0,0,0,0,0,0,0 +units=m"
        ).to_wkt(),
    ],
    ids=["unnamed-wgs84", "unnamed-grs80", "ign", "esri", "with-height", "proj-string"],
)
def test_other_spellings_of_lambert_93_are_lambert_93(wkt: str) -> None:
    assert read_crs(wkt, fallback=None, path=_PATH) == CRS.from_epsg(2154)


@pytest.mark.parametrize(
    "wkt",
    [
        _odd(axis=6378249.2, flattening=293.4660212936),
        _odd(parallel=48.9),
        _odd(datum="Nouvelle_Triangulation_Francaise"),
        CRS(
            "+proj=lcc +lat_0=46.5 +lon_0=3 +lat_1=49 +lat_2=44 +x_0=700000 +y_0=6600000 "
            "+ellps=GRS80 +units=km"
        ).to_wkt(),
    ],
    ids=["ellipsoid", "parallel", "datum", "unit"],
)
def test_a_projection_that_differs_stays_what_it_is(wkt: str) -> None:
    assert read_crs(wkt, fallback=None, path=_PATH) != CRS.from_epsg(2154)


@pytest.mark.parametrize("code", [3942, 3950, 5490, 2972, 2975, 4471, 32631, 3857])
def test_registered_ones_come_back_registered(code: int) -> None:
    assert read_crs(CRS.from_epsg(code).to_wkt(), fallback=None, path=_PATH) == CRS.from_epsg(code)


@pytest.mark.parametrize("code", [2056, 21781, 3812, 31370, 25830, 23700, 27700])
@pytest.mark.parametrize("version", ["WKT1_GDAL", "WKT1_ESRI", "WKT2_2019"])
def test_those_of_other_countries_stay_what_they_are(code: int, version: str) -> None:
    crs = CRS.from_epsg(code)
    found = read_crs(crs.to_wkt(version), fallback=None, path=_PATH)
    assert found.coordinate_operation is not None
    assert crs.coordinate_operation is not None
    assert found.to_epsg() in {code, None}
    assert found.coordinate_operation.method_name == crs.coordinate_operation.method_name
    without_names = _nameless(crs)
    assert read_crs(without_names, fallback=None, path=_PATH) == CRS.from_wkt(without_names)


def _nameless(crs: CRS) -> str:
    """As drivers write it that keep the numbers alone."""
    return re.sub(
        r',\s*AUTHORITY\["\w+","\d+"\]',
        "",
        re.sub(r'(PROJCS|GEOGCS|DATUM)\["[^"]*"', r'\1["unknown"', crs.to_wkt("WKT1_GDAL")),
    )


def test_without_crs_the_fallback_is_used_or_asked_for() -> None:
    assert read_crs(None, fallback="EPSG:2154", path=_PATH).to_epsg() == 2154
    with pytest.raises(RasterError, match=r"ortho\.tif: has no CRS; say which with --crs EPSG:2154"):
        read_crs(None, fallback=None, path=_PATH)
    with pytest.raises(RasterError, match="--crs: 'Lambert' is no CRS"):
        read_crs(None, fallback="Lambert", path=_PATH)


def test_a_local_one_is_none() -> None:
    wkt = 'LOCAL_CS["unnamed",UNIT["metre",1]]'
    assert read_crs(wkt, fallback="EPSG:2154", path=_PATH).to_epsg() == 2154
    with pytest.raises(RasterError, match="has no CRS; say which with --crs EPSG:2154"):
        read_crs(wkt, fallback=None, path=_PATH)


def test_a_fallback_never_overrides_what_a_file_says() -> None:
    wkt = CRS.from_epsg(3857).to_wkt()
    with pytest.raises(RasterError, match="is in EPSG:3857, --crs says EPSG:2154"):
        read_crs(wkt, fallback="EPSG:2154", path=_PATH)
    assert read_crs(_odd(), fallback="EPSG:2154", path=_PATH).to_epsg() == 2154


def test_degrees_are_refused_with_the_cure() -> None:
    with pytest.raises(
        RasterError, match=r"is in EPSG:4326, which does not count in metres; .*gdalwarp -t_srs EPSG:2154"
    ):
        read_crs(CRS.from_epsg(4326).to_wkt(), fallback=None, path=_PATH)
