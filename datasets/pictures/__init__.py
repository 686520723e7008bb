"""Pictures for people: the quicklook of a list, and what is needed to draw it.

Plots of training live in `training.publishing`.
"""
