"""The synthetic commune: a made-up place whose every building is known, with its image, cadastre and truth.

The ground plan, its rendering and its cadastre have rooms of their own; nothing real is read here but a
plan to build on.
"""
