"""What leaves with a checkpoint: model card, plots, ONNX, STAC item.

Measuring is done in `training.metrics`.
"""
