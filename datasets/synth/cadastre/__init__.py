"""The cadastre of a ground plan: records, sheets and their displacement, files as they are published.

What is left out or added on purpose is decided in `datasets.synth.plan`.
"""
