"""The ground of all that is cadastral: canonical tables, CRS, sheets, repair, overlaps, words. No torch.

Reading, registering, comparing, listing, publishing and scoring have rooms of their own.
"""

if __name__ == "cadastre":
    raise ImportError("import vigibati.cadastre: the repository root must not be on sys.path")
