from __future__ import annotations

import json
from pathlib import Path

import pyproj
import pytest
from shapely.geometry import Point, mapping

from vigibati.cadastre.crs import home_crs, working_crs
from vigibati.configs.errors import RasterError, SettingsError
from vigibati.configs.territory import Territory, load_territory

MERCATOR, DEGREES = pyproj.CRS.from_epsg(3857), pyproj.CRS.from_epsg(4326)

# Longitude and latitude of the middle of a town. The outline is true to a kilometre or two.
FRENCH_TOWNS = {
    "Paris": (2.35, 48.85),
    "Dunkerque": (2.377, 51.038),
    "Lille": (3.06, 50.63),
    "Tourcoing": (3.16, 50.72),
    "Longwy": (5.76, 49.52),
    "Strasbourg": (7.75, 48.58),
    "Saint-Louis": (7.56, 47.59),
    "Annemasse": (6.236, 46.194),
    "Chamonix": (6.87, 45.92),
    "Nice": (7.26, 43.70),
    "Menton": (7.50, 43.775),
    "Perpignan": (2.895, 42.70),
    "Hendaye": (-1.774, 43.359),
    "Brest": (-4.49, 48.39),
    "Ouessant": (-5.096, 48.457),
    "Groix": (-3.46, 47.64),
    "Belle-Île": (-3.155, 47.347),
    "Porquerolles": (6.203, 43.00),
    "Bastia": (9.45, 42.70),
    "Bonifacio": (9.159, 41.387),
}
OVERSEAS_TOWNS = {
    "Pointe-à-Pitre": (-61.53, 16.24, 5490),
    "Fort-de-France": (-61.07, 14.60, 5490),
    "Marigot": (-63.085, 18.067, 5490),
    "Saint-Barthélemy": (-62.85, 17.896, 5490),
    "Cayenne": (-52.33, 4.93, 2972),
    "Saint-Denis": (55.45, -20.88, 2975),
    "Mamoudzou": (45.23, -12.78, 4471),
}
FOREIGN_TOWNS = {
    "Brussels": (4.35, 50.85, 32631),
    "Tournai": (3.39, 50.606, 32631),
    "London": (-0.12, 51.50, 32630),
    "Jersey": (-2.11, 49.186, 32630),
    "Venlo": (6.17, 51.37, 32632),
    "Luxembourg": (6.13, 49.61, 32632),
    "Saarbrücken": (6.997, 49.234, 32632),
    "Kehl": (7.809, 48.573, 32632),
    "Basel": (7.59, 47.558, 32632),
    "Zürich": (8.54, 47.37, 32632),
    "Geneva": (6.143, 46.204, 32632),
    "Turin": (7.68, 45.07, 32632),
    "Milan": (9.19, 45.46, 32632),
    "Ventimiglia": (7.607, 43.79, 32632),
    "Barcelona": (2.17, 41.39, 32631),
    "Llívia, within France": (1.98, 42.464, 32631),
    "Philipsburg": (-63.045, 18.026, 32620),
    "Dominica": (-61.39, 15.30, 32620),
    "Nairobi": (36.8, -1.3, 32737),
    "Atlanta": (-84.4, 33.7, 32616),
}


def around(longitude: float, latitude: float) -> tuple[float, float, float, float]:
    to_mercator = pyproj.Transformer.from_crs(4326, MERCATOR, always_xy=True)
    return to_mercator.transform_bounds(longitude - 0.01, latitude - 0.01, longitude + 0.01, latitude + 0.01)


@pytest.mark.parametrize("code", [2154, 2972, 3943, 32616, 26911])
def test_projected_metres_stay(code: int) -> None:
    crs = pyproj.CRS.from_epsg(code)
    assert working_crs(crs, (0, 0, 1, 1)) == crs


@pytest.mark.parametrize(
    ("longitude", "latitude", "code"),
    [
        *((*place, 2154) for place in FRENCH_TOWNS.values()),
        *OVERSEAS_TOWNS.values(),
        *FOREIGN_TOWNS.values(),
    ],
    ids=[*FRENCH_TOWNS, *OVERSEAS_TOWNS, *FOREIGN_TOWNS],
)
def test_web_mercator_gives_way_to_what_is_legal_there_and_elsewhere_to_utm(
    longitude: float, latitude: float, code: int
) -> None:
    assert working_crs(MERCATOR, around(longitude, latitude)).to_epsg() == code


def test_degrees_give_way_likewise_but_not_for_an_image() -> None:
    assert home_crs(DEGREES, (2.3, 48.8, 2.4, 48.9)).to_epsg() == 2154
    assert home_crs(DEGREES, (4.3, 50.8, 4.4, 50.9)).to_epsg() == 32631
    assert home_crs(DEGREES, (180.0, 10.0, 180.0, 10.0)).to_epsg() == 32660


def test_nearer_to_a_pole_than_utm_there_is_nothing() -> None:
    with pytest.raises(RasterError, match="WGS 84: has its centre at 89"):
        home_crs(DEGREES, (0, 88.5, 1, 89.5))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (4326, "legal_crs 4326: is WGS 84, which does not count in metres; name a projected CRS"),
        (2264, r"legal_crs 2264: is .*\(ftUS\), which does not count in metres"),
        (99_999, "legal_crs 99999: is no EPSG code; name a projected CRS in metres"),
    ],
)
def test_a_legal_crs_in_which_areas_mean_nothing_is_refused(code: int, message: str) -> None:
    odd = load_territory().model_copy(update={"outline": None, "legal_crs": (code,)})
    with pytest.raises(SettingsError, match=message):
        home_crs(pyproj.CRS.from_epsg(4326), (4, 50, 5, 51), territory=odd)


def test_a_territory_without_outline_has_one_crs_everywhere() -> None:
    belgium = Territory(version=1, name="belgium", legal_crs=(3812,), parcel=load_territory().parcel)
    assert working_crs(MERCATOR, around(2.35, 48.85), territory=belgium).to_epsg() == 3812


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "is no outline of a territory .*; give a GeoJSON of polygons"),
        (
            '{"features": [{"properties": {}, "geometry": {}}]}',
            r"is no outline of a territory \(KeyError: 'epsg'\)",
        ),
        (
            json.dumps({"features": [{"properties": {"epsg": 3812}, "geometry": mapping(Point(5, 50))}]}),
            "names EPSG:3812, which is no legal_crs of france; name it there",
        ),
    ],
)
def test_an_outline_that_does_not_hold_is_told(tmp_path: Path, text: str, message: str) -> None:
    outline = tmp_path / "outline.geojson"
    outline.write_text(text, encoding="utf-8")
    odd = load_territory().model_copy(update={"outline": outline})
    with pytest.raises(SettingsError, match=rf"outline\.geojson: {message}"):
        working_crs(MERCATOR, around(2.35, 48.85), territory=odd)


@pytest.mark.parametrize(
    ("crs", "message"),
    [
        ("EPSG:4326", "is in degrees"),
        ("EPSG:2263", "is in US survey foot"),
        ('LOCAL_CS["here",UNIT["metre",1]]', "is no projected CRS"),
    ],
)
def test_others_are_refused(crs: str, message: str) -> None:
    with pytest.raises(RasterError, match=message):
        working_crs(pyproj.CRS.from_user_input(crs), (0, 0, 1, 1))
