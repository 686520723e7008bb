"""Footprints against registered records: what is new, extended, a pool, or not seen.

Places, permits, ranks and words of a case live in `cadastre.cases`.
"""
