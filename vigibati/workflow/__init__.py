"""The joints between image and cadastre: inputs, footprints, cases, earlier images, files of layers.

No verb is put together here from start to end but those that are a joint and nothing more; options and
printing live in `cli`.
"""
