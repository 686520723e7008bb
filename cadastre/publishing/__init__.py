"""The GeoPackage that planners open: layers, styles, forms, lists of choices, project, provenance.

The values of the columns come from `cadastre.cases`; sentences for planners from `cadastre.words`.
"""
