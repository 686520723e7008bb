"""Rewrites the figures of README.md and docs/ from the files that the measurements left.

``--check`` changes nothing and exits 1 when a block is stale. Example: python -P benchmarks/figures
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pages import pages, rebuilt

from vigibati.configs.atomic_files import whole_file


def main() -> None:
    """Rewrite or check every block of this repository."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if a block is stale")
    check = parser.parse_args().check
    root = Path(__file__).resolve().parents[2]
    made = {page: rebuilt(page, root) for page in pages(root)}
    stale = {page: text for page, text in made.items() if text != page.read_text(encoding="utf-8")}
    for page, text in stale.items():
        if not check:
            with whole_file(page) as part:
                part.write_text(text, encoding="utf-8")
        print(f"{page.relative_to(root)}: {'stale; run benchmarks/figures' if check else 'rewritten'}")
    if check and stale:
        sys.exit(1)


if __name__ == "__main__":
    main()
