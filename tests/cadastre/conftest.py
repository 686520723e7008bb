"""A small EDIGEO sheet, file by file as the DGFiP exports it (PCI-Vecteur 3.0.2)."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import shapely

# Objects and the attributes that they have in the SCD file.
_OBJECTS = {
    "BATIMENT_id": ("DUR", "TEX"),
    "PARCELLE_id": ("COAR", "IDU", "INDP", "SUPF", "TEX"),
    "SUBDSECT_id": ("COPL", "EOR", "IDU", "QUPL"),
    "TSURF_id": ("SYM", "TEX"),
}
_LOT = "EDAA01"


Thing = tuple[str, shapely.Polygon, dict[str, str]]
"""An object of the sheet: its class, its outline (a simple polygon) and its attributes."""


@pytest.fixture
def write_edigeo() -> Callable[..., Path]:
    return _write_bundle


def _write_bundle(path: Path, things: Sequence[Thing], *, crs: str = "LAMB93") -> Path:
    files = {
        "E000AA01.THF": _transmission(),
        f"{_LOT}SE.GEN": "RTYSA03:DEG\nRIDSA14:EMPRISE_EDAA01\n\nCM1CC24:+0000000.00;+0000000.00;\n"
        "CM2CC24:+9999999.00;+9999999.00;\n\nRTYSA03:GSE\nRIDSA07:SeSPA_1\n\nINFST00:\nSTRSN01:3\nREGSA00:\n",
        f"{_LOT}SE.GEO": f"RTYSA03:GEO\nRIDSA15:GEODESIE_EDAA01\n\nRETSA03:MAP\nRENST00:\n"
        f"{_field('REL', crs, 'SA')}DIMSN01:2\nALSSN01:2\nUNHST01:m\n",
        f"{_LOT}SE.DIC": _dictionary(),
        f"{_LOT}SE.SCD": _scheme(),
        f"{_LOT}SE.QAL": "".join(_quality(number, thing[0]) for number, thing in enumerate(things, 1)),
        f"{_LOT}S1.VEC": "".join(_vectors(things)),
    }
    with tarfile.open(path, "w:bz2") as archive:
        for name, body in files.items():
            text = f"{_field('BOM', name, 'T ')}CSET 03:IRV\n\n{body}\nEOMT 00:\n".encode("latin-1")
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
    return path


def _field(name: str, value: str, form: str) -> str:
    return f"{name}{form}{len(value):02d}:{value}\n"


def _block(kind: str, name: str, *fields: str) -> str:
    return f"RTYSA03:{kind}\n{_field('RID', name, 'SA')}\n{''.join(fields)}\n"


def _link(name: str, set_: str, kind: str, item: str) -> str:
    return _field(name, f"{_LOT};{set_};{kind};{item}", "CP")


def _transmission() -> str:
    sets = "".join(
        f"{_field(f'{key}N', 'SE', 'SA')}{_field(f'{key}I', f'Se{value}', 'SA')}"
        for key, value in (("GN", "GN"), ("GO", "GO"), ("QA", "QL"), ("DI", "NM"), ("SC", "SD"))
    )
    volume = (
        "RTYSA03:GTS\nRIDSA10:SUPPORT_01\n\nAUTST04:CDIF\nADRST49:Export PCI-Vecteur, version 3.0.2 "
        "(standard 2012)\nLOCSN01:1\nVOCSN00:\nSECSN01:7\nRDIST00:\nVERST03:1.0\nVDASD08:19920801\n"
        "TRLST02:01\nEDNSN01:1\nTDASD08:20240101\nINFST00:\n\n"
    )
    lot = f"RTYSA03:GTL\n{_field('RID', _LOT, 'SA')}\n{_field('LON', _LOT, 'SA')}INFST00:\n"
    return f"{volume}{lot}{sets}GDCSN01:1\nGDNSA02:S1\nGDISA07:SeSPA_1\n"


def _dictionary() -> str:
    objects = (
        _block("DID", f"ID_N_OBJ_{name}", _field("LAB", name, "SA"), "DEFST00:\n", "ORIST04:CNIG\n")
        for name in _OBJECTS
    )
    attributes = (
        _block(
            "DIA", f"ID_N_ATT_{name}", _field("LAB", name, "SA"), "DEFST00:\nORIST04:CNIG\nCATSA01:P\n",
            "TYPSA01:A\nUNIST00:\nAVCSN01:0\n",
        )
        for name in _attributes()
    )  # fmt: skip
    return "".join((*objects, *attributes))


def _attributes() -> list[str]:
    return sorted({name for names in _OBJECTS.values() for name in names})


def _scheme() -> str:
    objects = (
        _block(
            "OBJ", name, _link("DIP", "SeNM", "DID", f"ID_N_OBJ_{name}"), "KNDSA03:ARE\n",
            _field("AAC", str(len(attributes)), "SN"),
            *(_link("AAP", "SeSD", "ATT", f"{attribute}_id") for attribute in attributes), "QACSN01:0\n",
        )
        for name, attributes in _OBJECTS.items()
    )  # fmt: skip
    attributes = (
        _block(
            "ATT", f"{name}_id", _link("DIP", "SeNM", "DIA", f"ID_N_ATT_{name}"),
            "CANSN02:14\nUNIST00:\nAV1SA00:\nAV2SA00:\n",
        )
        for name in _attributes()
    )  # fmt: skip
    primitives = (
        _block("PGE", f"ID_S_PRI_{name}", _field("KND", name, "SA"), "AACSN01:0\nQACSN01:0\n")
        for name in ("NOD", "ARC", "FAC")
    )
    built = (
        _block(
            "REL", f"ID_S_RCO_{name}", "KNDSA03:IDB\nCA1SN01:1\nCA2SN01:0\nSCCSN01:2\n",
            _link("SCP", "SeSD", "OBJ", name), "OCCSN01:1\n", _link("SCP", "SeSD", "PGE", "ID_S_PRI_FAC"),
            "OCCSN01:0\nAACSN01:0\nQACSN01:0\n",
        )
        for name in _OBJECTS
    )  # fmt: skip
    left = _block(
        "REL", "ID_S_RCO_FAC_GCHE", "KNDSA03:LPO\nCA1SN01:0\nCA2SN01:1\nSCCSN01:2\n",
        _link("SCP", "SeSD", "PGE", "ID_S_PRI_ARC"), "OCCSN01:1\n",
        _link("SCP", "SeSD", "PGE", "ID_S_PRI_FAC"), "OCCSN01:1\nAACSN01:0\nQACSN01:0\n",
    )  # fmt: skip
    return "".join((*objects, *primitives, *attributes, *built, left))


def _quality(number: int, kind: str) -> str:
    dates = "ODASD08:20110228\nUTYSN01:1\nULOSN01:2\nUDASD08:20180611\nRATSR00:\nEDASD00:\nCOCSN01:1\n"
    return _block("QUP", f"Actualite_Objet_{number}", dates, _link("COP", "SeSD", "OBJ", kind))


def _vectors(things: Sequence[Thing]) -> Iterator[str]:
    none = "CM1CC00:\nCM2CC00:\n"
    for number, (kind, outline, attributes) in enumerate(things, 1):
        corners = shapely.get_coordinates(shapely.force_2d(outline.normalize().reverse().exterior))
        points = "".join(_field("COR", f"{x:+.2f};{y:+.2f};", "CC") for x, y in corners)
        yield _block(
            "PAR", f"Arc_{number}", _link("SCP", "SeSD", "PGE", "ID_S_PRI_ARC"), none, "TYPSN01:1\n",
            _field("PTC", str(len(corners)), "SN"), points, "ATCSN01:0\nQACSN01:0\n",
        )  # fmt: skip
        yield _block(
            "PFE", f"Face_{number}", _link("SCP", "SeSD", "PGE", "ID_S_PRI_FAC"), none,
            "ATCSN01:0\nQACSN01:0\n",
        )  # fmt: skip
        values = "".join(
            _link("ATP", "SeSD", "ATT", f"{name}_id")
            + ("" if re.fullmatch("[!-~ ]*", value) else "TEXT 06:8859-1\n")
            + _field("ATV", value, "ST" if name == "TEX" else "SA")
            for name, value in attributes.items()
        )
        yield _block(
            "FEA", f"Objet_{number}", _link("SCP", "SeSD", "OBJ", kind), none, "REFCC00:\n",
            _field("ATC", str(len(attributes)), "SN"), values, "QACSN01:1\n",
            _link("QAP", "SeQL", "QUP", f"Actualite_Objet_{number}"),
        )  # fmt: skip
        yield _block(
            "LNK", f"Compo_LPO_{number}", _link("SCP", "SeSD", "REL", "ID_S_RCO_FAC_GCHE"), "FTCSN01:2\n",
            _link("FTP", "SeSPA_1", "PAR", f"Arc_{number}"), _link("FTP", "SeSPA_1", "PFE", f"Face_{number}"),
            "ATCSN01:0\nQACSN01:0\n",
        )  # fmt: skip
        yield _block(
            "LNK", f"Compo_IDB_{number}", _link("SCP", "SeSD", "REL", f"ID_S_RCO_{kind}"), "FTCSN01:2\n",
            _link("FTP", "SeSPA_1", "FEA", f"Objet_{number}"),
            _link("FTP", "SeSPA_1", "PFE", f"Face_{number}"), "ATCSN01:0\nQACSN01:0\n",
        )  # fmt: skip
