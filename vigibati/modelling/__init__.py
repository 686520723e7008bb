"""`train`, `calibrate`, `evaluate`, `export`: recipes, manifests and checkpoints as files, in and out.

What is learnt and measured lives in `training`; here files become what it takes. No image of a town and
no record is read.
"""
