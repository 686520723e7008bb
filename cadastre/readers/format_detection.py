"""Which reader a path asks for, going by what is in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Literal, NoReturn

from vigibati.cadastre.readers.any_vector import read_vector_parcels, read_vector_records
from vigibati.cadastre.readers.bdtopo import BDTOPO
from vigibati.cadastre.readers.column_mapping import listed, lower_columns
from vigibati.cadastre.readers.edigeo import is_edigeo, read_edigeo
from vigibati.cadastre.readers.etalab import etalab_layer, etalab_sets, read_etalab
from vigibati.cadastre.readers.hints import RecordsHints
from vigibati.cadastre.readers.inspire import INSPIRE
from vigibati.cadastre.readers.osm import OSM
from vigibati.cadastre.readers.polygon_layer import PolygonLayer, read_polygons
from vigibati.cadastre.readers.reader_result import Layers
from vigibati.cadastre.readers.tabular_format import TabularFormat, read_tabular
from vigibati.configs.errors import RecordsError

TABULAR: Final = (BDTOPO, INSPIRE, OSM)
"""Formats that are told by their columns, in the order in which they are tried."""

Wanted = Literal["records", "parcels"]


def find_layers(path: Path, wanted: Wanted, hints: RecordsHints) -> Sequence[Layers]:
    """Read a path with the reader that its content asks for, unless the hints say which.

    Args:
        path: A file or folder.
        wanted: Whether records or parcels are asked for.
        hints: What overrides the source; a mapping that names columns makes it a plain vector file.

    Returns:
        One item a sheet or commune.

    Raises:
        RecordsError: No reader can read the path, or it holds something else than what is asked for.
    """
    if not path.exists():
        raise RecordsError(path, "is not there", "give an existing file or folder")
    bundle = is_edigeo(path)
    if hints.mapping is not None and (bundle or path.is_dir()):
        cause = f"is {'EDIGEO' if bundle else 'a folder'}: a mapping goes with one vector file alone, "
        known = "the columns of EDIGEO and of Etalab's folders are known"
        raise RecordsError(path, cause + known, "leave --records-mapping out, or give a vector file")
    forced = hints.source_format or ("vector" if hints.columns else None)
    if bundle and forced in {None, "edigeo"}:
        return [read_edigeo(path, declared_crs=hints.declared_crs)]
    if path.is_dir():
        return _read_folder(path, forced, hints.declared_crs)
    if forced == "edigeo":
        _refuse(path, "is no EDIGEO bundle (neither a tar.bz2 archive nor a folder with a THF file)")
    layer = read_polygons(path, declared_crs=hints.declared_crs, layer=hints.layer)
    found = etalab_layer(layer.frame)
    if forced == "etalab" or (forced is None and found):
        return [_read_etalab_file(layer, found, wanted, hints.declared_crs)]
    fitting = [kind for kind in TABULAR if kind.fits(lower_columns(layer.frame))]
    if wanted == "parcels":
        return [_read_parcels(layer, fitting)]
    if forced is not None:
        fitting = [kind for kind in TABULAR if kind.name == forced]
    return [read_tabular(layer, fitting[0]) if fitting else read_vector_records(layer, mapping=hints.columns)]


def _read_parcels(layer: PolygonLayer, fitting: Sequence[TabularFormat]) -> Layers:
    if fitting:
        cause = f"holds buildings ({fitting[0].name}), where parcels are asked for"
        raise RecordsError(layer.path, cause, "give it as records, and the parcels of the cadastre here")
    return read_vector_parcels(layer)


def _refuse(path: Path, cause: str) -> NoReturn:
    raise RecordsError(path, cause, "leave --records-format out, or give another file")


def _read_etalab_file(
    layer: PolygonLayer, found: str | None, wanted: Wanted, declared_crs: str | None
) -> Layers:
    """Read a file whose columns are Etalab's; with buildings come their siblings, which go by name."""
    path = layer.path
    fitting = "batiments" if wanted == "records" else "parcelles"
    stem = re.split(rf"-{found}\b|\.", path.name)[0]
    place, files = next(iter(etalab_sets([path]).items()), (stem, {}))
    if found is None and not layer.frame.empty:
        _refuse(path, f"is not etalab (columns: {listed(lower_columns(layer.frame))})")
    if found not in {None, fitting}:
        cause = f"holds {found}, where {fitting} are asked for"
        raise RecordsError(path, cause, f"give {stem}-{fitting}.json.gz, or the folder that holds both")
    layers = {fitting: layer}
    if wanted == "records" and fitting in files:
        siblings = etalab_sets(file for file in path.parent.iterdir() if f"{place}-" in file.name)
        others = {name: file for name, file in siblings[place].items() if name != fitting}
        layers |= {name: read_polygons(file, declared_crs=declared_crs) for name, file in others.items()}
    return read_etalab(place, layers)


def _read_folder(folder: Path, forced: str | None, declared_crs: str | None) -> Sequence[Layers]:
    entries = sorted(folder.iterdir())
    bundles = [entry for entry in entries if is_edigeo(entry)] if forced in {None, "edigeo"} else []
    sets = etalab_sets(entry for entry in entries if entry.is_file()) if forced in {None, "etalab"} else {}
    if bundles and sets:
        cause = "holds both EDIGEO and Etalab files, so that records would count twice"
        raise RecordsError(folder, cause, "say which with --records-format, or keep one of the two")
    if not bundles and not sets:
        cause = "holds neither EDIGEO bundles (edigeo-*.tar.bz2) nor Etalab files (*-batiments.json.gz)"
        raise RecordsError(folder, cause, "give the folder of the cadastre, or one vector file")
    _refuse_repeated(bundles)
    if bundles:
        return [read_edigeo(bundle, declared_crs=declared_crs) for bundle in bundles]
    return [
        read_etalab(
            place, {name: read_polygons(file, declared_crs=declared_crs) for name, file in files.items()}
        )
        for place, files in sets.items()
    ]


def _refuse_repeated(bundles: Iterable[Path]) -> None:
    seen: dict[str, Path] = {}
    for bundle in bundles:
        name = bundle.name.removesuffix(".tar.bz2").replace("edigeo-cc-", "edigeo-")
        if name in seen:
            raise RecordsError(
                bundle, f"is there a second time as {seen[name].name}", "remove one of the two"
            )
        seen[name] = bundle
