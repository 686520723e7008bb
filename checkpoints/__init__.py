"""The shipped model: weights, contract and generated card."""
