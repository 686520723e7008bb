"""The aerial image of a ground plan: ground, roofs, trees, light, sensor.

What stands where is decided in `datasets.synth.plan`.
"""
