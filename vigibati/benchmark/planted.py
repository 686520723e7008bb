"""How many of the differences planted in a synthetic commune a case list holds."""

from __future__ import annotations

from pathlib import Path

from vigibati.cadastre.benchmark.case_scores import Score, score_cases
from vigibati.configs.errors import InputError
from vigibati.configs.paths import StrPath
from vigibati.configs.rules import load_rules
from vigibati.workflow.layer_files import read_layer


def bench_planted(cases: StrPath, *, truth: StrPath) -> Score:
    """Score a case list against the truth of a synthetic commune.

    Args:
        cases: GeoPackage written by ``detect`` or ``compare``.
        truth: ``truth.gpkg`` written by ``synth``.

    Raises:
        InputError: A file or layer is missing, or the list is an earlier version's.
    """
    cases, truth = Path(cases), Path(truth)
    listed = read_layer(cases, layer="cases", made_by="detect")
    if "p_case" not in listed:
        cause = "an earlier version wrote it: it does not say how likely its cases are"
        raise InputError(cases, cause, "run detect or compare again")
    planted = read_layer(truth, layer="planted", made_by="synth").to_crs(listed.crs)
    return score_cases(listed, planted, bounds_m2=load_rules().bands_m2)
