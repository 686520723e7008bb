"""The ground plan of a made-up commune: streets, lots, houses, gardens, farms, and the differences that are planted.

No pixel and no record is made here.
"""
