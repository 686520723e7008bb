"""`bench`: how many withheld records, altered plans and planted differences a run finds.

The arithmetic of the scores lives in `cadastre.benchmark`; timings and figures of the documents in
`benchmarks/`.
"""
