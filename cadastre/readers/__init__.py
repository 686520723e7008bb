"""Readers of cadastral files, one format a module, all into the canonical tables.

What the tables must hold is said in `cadastre.tables`; geometry is mended in `cadastre.repair`.
"""

from vigibati.cadastre.readers.permit_lists import read_permits
from vigibati.cadastre.readers.planning_zones import read_zones
from vigibati.cadastre.readers.read import read_parcels, read_records
from vigibati.cadastre.readers.risk_plans import read_protected, read_risk_zones

__all__ = ["read_parcels", "read_permits", "read_protected", "read_records", "read_risk_zones", "read_zones"]
# long: one format a module, all alike
