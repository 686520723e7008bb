"""The CRS of a raster, brought to its registered form where files spell it oddly."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pyproj import CRS
from pyproj.exceptions import CRSError

from vigibati.configs.errors import RasterError
from vigibati.configs.territory import usual_territory

# WGS 84 and GRS 80 differ by 1.5e-6 in inverse flattening: a tenth of a millimetre of axis.
_FLATTENING_TOLERANCE = 1e-5
_PARAMETER_TOLERANCE = 1e-9


def read_crs(wkt: str | None, *, fallback: str | None, path: Path) -> CRS:
    """Return the projected CRS of a raster.

    Args:
        wkt: What the file says; None when it says nothing. A local one counts as nothing.
        fallback: What the user says, such as ``"EPSG:2154"``, for files that say nothing.
        path: File, for the error.

    Returns:
        A registered CRS where the file's one is the same under another spelling (names lost,
        an unnamed datum on the same ellipsoid); its horizontal part when it is compound.

    Raises:
        RasterError: There is no CRS, both differ, or it is in degrees.
    """
    said = _parse(fallback) if fallback is not None else None
    crs = _from_wkt(wkt) if wkt else None
    # What counts from a corner of its own says no more of the ground than nothing at all.
    if crs is not None and not crs.is_engineering:
        if said is not None and crs != said:
            cause = f"is in {_name(crs)}, --crs says {_name(said)}"
            raise RasterError(path, cause, "leave --crs out, or reproject the file with gdalwarp -t_srs")
    elif said is not None:
        crs = said
    else:
        raise RasterError(path, "has no CRS", "say which with --crs EPSG:2154")
    if not crs.is_projected:
        cure = "reproject it to the legal CRS: gdalwarp -t_srs EPSG:2154 -tr 0.2 0.2 -r bilinear"
        raise RasterError(path, f"is in {_name(crs)}, which does not count in metres", cure)
    return crs


def _name(crs: CRS) -> str:
    authority = crs.to_authority()
    return ":".join(authority) if authority else crs.name


def _parse(text: str) -> CRS:
    try:
        return _normalise(CRS.from_user_input(text))
    except CRSError as error:
        raise RasterError("--crs", f"'{text}' is no CRS", "use a code such as EPSG:2154") from error


# The tiles of a country all say the same.
@cache
def _from_wkt(wkt: str) -> CRS:
    return _normalise(CRS.from_wkt(wkt))


def _normalise(crs: CRS) -> CRS:
    if crs.is_compound:
        crs = crs.sub_crs_list[0]
    # A shift of zero to WGS 84 says nothing that the datum does not.
    if crs.is_bound and crs.source_crs is not None and not any(_parameters(crs).values()):
        crs = crs.source_crs
    epsg = crs.to_epsg()
    if epsg is not None:
        return CRS.from_epsg(epsg)
    territory = usual_territory()
    for code in (*territory.legal_crs, *territory.other_crs):
        legal = _from_epsg(code)
        if _same_projection(crs, legal):
            return legal
    return crs


@cache
def _from_epsg(code: int) -> CRS:
    return CRS.from_epsg(code)


def _same_projection(crs: CRS, legal: CRS) -> bool:
    """Tell whether both send the same coordinates to the same place, whatever their names.

    Only asked for a CRS without a code. A datum that calls itself something is another datum,
    even on the same ellipsoid, unless PROJ knows the name as the legal one.
    """
    ellipsoid, wanted = crs.ellipsoid, legal.ellipsoid
    if ellipsoid is None or wanted is None or crs.axis_info[0].unit_name != "metre":
        return False
    found, asked = _parameters(crs), _parameters(legal)
    return (
        ellipsoid.semi_major_metre == wanted.semi_major_metre
        and abs(ellipsoid.inverse_flattening - wanted.inverse_flattening) < _FLATTENING_TOLERANCE
        and found.keys() == asked.keys()
        and all(abs(found[key] - asked[key]) < _PARAMETER_TOLERANCE for key in asked)
        and _datum_name(crs) in {"", _datum_name(legal)}
    )


def _parameters(crs: CRS) -> dict[str, float]:
    """Return the parameters of a projection, under names that hold its method."""
    operation = crs.coordinate_operation
    if operation is None:
        return {}
    return {f"{operation.method_name}, {item.name}": float(item.value) for item in operation.params}


def _datum_name(crs: CRS) -> str:
    name = crs.datum.name if crs.datum is not None else ""
    return "" if "unknown" in name.lower() or "unnamed" in name.lower() else name
