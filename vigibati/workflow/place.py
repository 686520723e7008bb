"""An orthophoto, the cadastre of its ground and the model that is to look at it, opened together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyproj

from vigibati.cadastre.readers.hints import NO_HINTS, RecordsHints
from vigibati.cadastre.sheets import check_overlap
from vigibati.configs.paths import StrPath, StrPaths, as_path
from vigibati.configs.territory import Territory
from vigibati.datasets.orthophoto.orthophoto import Orthophoto
from vigibati.inference.model.checkpoint import Checkpoint
from vigibati.workflow.footprints import open_for
from vigibati.workflow.inputs import CadastralInputs, read_cadastral_inputs
from vigibati.workflow.options import ContextPaths, ImageOptions


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """An orthophoto, the cadastre of its ground, and the model that is to look at it.

    Attributes:
        image: The orthophoto, at the pixel size of the model.
        inputs: Records and context, in the working CRS.
        model: Network and contract.
        crs: Projected CRS that everything is compared in.
    """

    image: Orthophoto
    inputs: CadastralInputs
    model: Checkpoint
    crs: pyproj.CRS


@contextmanager
def open_place(
    ortho: StrPaths,
    *,
    records: StrPath,
    parcels: StrPath | None,
    checkpoint: StrPath | None,
    image: ImageOptions,
    hints: RecordsHints = NO_HINTS,
    context: ContextPaths = ContextPaths(),
    territory: Territory | None = None,
) -> Iterator[Place]:
    """Open an image with its model, and read the cadastre of its ground, for as long as the block lasts.

    Args:
        ortho: Files of one orthophoto, folders of such files, or lists of them.
        records: Cadastral records.
        parcels: Parcels; those of the records' source when None.
        checkpoint: Folder of a checkpoint; the shipped one when None.
        image: How the orthophoto is read.
        hints: What overrides the files of the records.
        context: Further files about the places.
        territory: Whose legal CRSs and parcels are meant; those of France when None.

    Raises:
        InputError: An input cannot be used, or the records are of another place than the image.
    """
    opened, model, crs = open_for(ortho, checkpoint=checkpoint, image=image, territory=territory)
    with opened:
        inputs = read_cadastral_inputs(
            records=Path(records),
            parcels=as_path(parcels),
            crs=crs,
            hints=hints,
            context=context,
            territory=territory,
        )
        check_overlap(inputs.records, opened.grid.bounds, bounds_crs=opened.grid.crs, path=Path(records))
        yield Place(opened, inputs, model, crs)
