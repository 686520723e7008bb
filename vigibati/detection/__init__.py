"""`detect`: all stages in order, from orthophoto and records to a list of cases.

The stages themselves live in `inference`, `cadastre` and `workflow`.
"""
