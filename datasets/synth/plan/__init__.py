"""The ground plan of a made-up commune: streets, lots, houses, gardens, farms, and planted differences.

No pixel and no record is made here.
"""
