"""Plans altered on purpose, a simulated detector, and scores of the lists that come out.

Nothing here runs in production; the runs that use it are in `vigibati.benchmark`.
"""
