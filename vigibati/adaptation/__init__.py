"""`adapt`: the model learns from a town's own records, fold by fold, judged on what it never read.

Training loops and metrics live in `training`, the cutting of chips in `datasets.chips`.
"""
