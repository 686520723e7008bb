"""Records to offsets on the image: walls matched, sheets bent, each record put on its own roof.

Nothing is compared or judged here; the footprints come as a table and no image is read.
"""
