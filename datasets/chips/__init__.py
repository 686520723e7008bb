"""Training chips and their manifests: cut, split by place, softened, pasted, read from FLAIR.

Rendered chips are made in `datasets.synth`; how chips become batches is `training.datamodule`.
"""
