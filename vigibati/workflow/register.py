"""`register`: how far the records of each sheet lie off the image, from files to a file."""

from __future__ import annotations

from pathlib import Path

from vigibati.cadastre.readers.hints import NO_HINTS, RecordsHints
from vigibati.cadastre.registration.offsets import Offsets
from vigibati.cadastre.registration.offsets_io import write_offsets
from vigibati.cadastre.registration.register import register as register_records
from vigibati.configs.paths import StrPath, as_path
from vigibati.configs.rules import load_rules
from vigibati.workflow.inputs import read_with_footprints
from vigibati.workflow.layer_files import check_layer_place


def register(
    footprints: StrPath,
    *,
    records: StrPath,
    out: StrPath,
    parcels: StrPath | None = None,
    rules: StrPath = "france",
    hints: RecordsHints = NO_HINTS,
) -> Offsets:
    """Estimate how far the records of each sheet lie off the image, and write it for ``compare``.

    Args:
        footprints: Footprints made by ``vectorise``.
        records: Cadastral records.
        out: GeoPackage of offsets to write; an earlier one of the same kind is replaced.
        parcels: Parcels, by which records without a sheet get one; those of the records' source when None.
        rules: Name of a law preset, or path of a YAML file.
        hints: What overrides the files of the records: CRS, format, columns.

    Raises:
        InputError: An input cannot be used; nothing was written.
    """
    target = Path(out)
    check_layer_place(target, layer="offsets")
    preset = load_rules(name=rules)
    found, inputs = read_with_footprints(
        Path(footprints),
        records=Path(records),
        parcels=as_path(parcels),
        hints=hints,
        territory=preset.territory,
    )
    offsets = register_records(found, inputs.records, rules=preset)
    write_offsets(offsets, target)
    return offsets
