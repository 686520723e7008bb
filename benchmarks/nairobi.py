"""Every case on a scene whose records are misaligned by nature, judged by eye (benchmarks/reviews).

Writes benchmarks/results/nairobi.json, and a picture of each case into the folder of crops.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd

from vigibati.cadastre.publishing.gpkg_metadata import read_provenance
from vigibati.datasets.orthophoto.orthophoto import open_ortho
from vigibati.datasets.pictures.quicklook import Outlines, crop
from vigibati.detection.detect import detect

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "nairobi.json"
REVIEW = ROOT / "benchmarks" / "reviews" / "nairobi.csv"


def main() -> None:
    """Run detect on the scene, join the verdicts and draw the crops."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("scene", type=Path, help="folder with ortho.tif and footprints.geojson")
    parser.add_argument("--crops", type=Path, default=ROOT / "runs" / "crops" / "nairobi")
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args()
    with TemporaryDirectory() as work:
        out = Path(work) / "cases.gpkg"
        report = detect(
            [given.scene / "ortho.tif"], records=given.scene / "footprints.geojson", out=out, lang="en"
        )
        weights = read_provenance(out)["model"]["weights_sha256"]
        cases, records = (gpd.read_file(out, layer=name) for name in ("cases", "records"))
    with REVIEW.open(encoding="utf-8", newline="") as handle:
        verdicts = {row["case_id"]: (row["verdict"], row["note"]) for row in csv.DictReader(handle)}
    _draw(given.scene / "ortho.tif", cases, records, given.crops)
    listed = [
        {
            "case_id": row.case_id,
            "rank": int(row.rank),
            "kind": row.kind,
            "area_m2": round(row.area_m2, 1),
            "p_case": round(row.p_case, 2),
            "verdict": verdicts.get(row.case_id, ("not reviewed", ""))[0],
            "note": verdicts.get(row.case_id, ("not reviewed", ""))[1],
        }
        for row in cases.sort_values("rank").itertuples()
    ]
    result = {
        "weights_sha256": weights,
        "records": report.comparison.records,
        "offsets": report.offsets.drop(columns="geometry").to_dict(orient="records"),
        "cases": listed,
    }
    given.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _draw(ortho: Path, cases: gpd.GeoDataFrame, records: gpd.GeoDataFrame, folder: Path) -> None:
    with open_ortho([ortho]) as image:
        cases, records = cases.to_crs(image.grid.crs), records.to_crs(image.grid.crs)
        known = Outlines(name="records", colour="#0078ff", geometries=tuple(records.geometry))
        for row in cases.itertuples():
            case = Outlines(name=row.kind, colour="#e4003a", geometries=(row.geometry,))
            crop(image, row.geometry.bounds, folder / f"{row.case_id}.png", outlines=(known, case))


if __name__ == "__main__":
    main()
