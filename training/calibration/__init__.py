"""Certainty to frequency: temperatures by class and by object, and what no record explains.

The contract that carries the result is `configs.contract`.
"""
