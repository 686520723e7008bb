"""The table of cases: numbers, chance, context, permits, dates, rank, reasons, decisions.

How a case is found lives in `cadastre.comparison`, how it is written in `cadastre.publishing`.
"""
