"""Readers of cadastral files, one format a module, all into the canonical tables."""

from vigibati.cadastre.readers.permits import read_permits
from vigibati.cadastre.readers.records import read_parcels, read_records
from vigibati.cadastre.readers.risk import read_protected, read_risk_zones
from vigibati.cadastre.readers.zones import read_zones

__all__ = ["read_parcels", "read_permits", "read_protected", "read_records", "read_risk_zones", "read_zones"]
