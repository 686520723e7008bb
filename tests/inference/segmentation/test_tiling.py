from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vigibati.datasets.grid import Window
from vigibati.inference.segmentation.tiling import Layout, lay_out

layouts = st.builds(
    lay_out,
    width=st.integers(1, 4000),
    height=st.integers(1, 4000),
    margin_px=st.integers(0, 130),
    core_rows=st.sampled_from([1, 512, 1024]),
    core_cols=st.sampled_from([512, 1024, 2048]),
    group_cols=st.sampled_from([1024, 2048, 65_536]),
)


def test_a_worked_grid() -> None:
    layout = lay_out(width=2600, height=700, margin_px=40, core_rows=512, core_cols=1024, group_cols=2048)
    assert layout.margin_px == 64
    assert [(unit.number, unit.window) for unit in layout.units] == [
        (0, Window(0, 0, 2048, 512)),
        (1, Window(0, 512, 2048, 188)),
        (2, Window(2048, 0, 552, 512)),
        (3, Window(2048, 512, 552, 188)),
    ]
    assert [list(lines) for lines in layout.seams] == [[512], [2048]]
    assert list(layout.cores(layout.units[1])) == [Window(0, 512, 1024, 188), Window(1024, 512, 1024, 188)]
    assert layout.cores_shape == (2, 3)
    assert layout.core_index(Window(2048, 512, 552, 188)) == (1, 2)
    assert layout.with_margins(Window(1024, 512, 1024, 188)) == Window(960, 448, 1152, 252)


def test_what_lies_beyond_the_grid_is_mirrored() -> None:
    layout = lay_out(width=100, height=40, margin_px=32, core_rows=512, core_cols=512)
    (core,) = layout.cores(layout.units[0])
    rows, columns = layout.padded(core)
    # 40 rows are filled up to 64, 100 columns to 128, with 32 around.
    assert (len(rows), len(columns)) == (128, 192)
    assert rows[:34].tolist() == [*range(31, -1, -1), 0, 1]
    assert rows[70:74].tolist() == [38, 39, 39, 38]
    assert columns[130:134].tolist() == [98, 99, 99, 98]


@given(layouts)
def test_cores_cover_every_pixel_once(layout: Layout) -> None:
    seen = np.zeros((layout.height, layout.width), dtype=int)
    for number, unit in enumerate(layout.units):
        assert unit.number == number
        for core in layout.cores(unit):
            seen[core.row : core.row + core.height, core.col : core.col + core.width] += 1
    assert (seen == 1).all()


@given(layouts)
def test_windows_hold_their_core_and_real_margins(layout: Layout) -> None:
    margin = layout.margin_px
    for unit in layout.units:
        around = layout.with_margins(unit.window)
        for core in layout.cores(unit):
            rows, columns = layout.padded(core)
            assert len(rows) % 32 == len(columns) % 32 == 0
            assert (rows[margin : margin + core.height] == np.arange(core.row, core.row + core.height)).all()
            assert (columns[margin : margin + core.width] == np.arange(core.col, core.col + core.width)).all()
            assert around.row <= rows.min() <= rows.max() < around.row + around.height
            assert around.col <= columns.min() <= columns.max() < around.col + around.width
            above = min(margin, core.row)
            assert (rows[margin - above : margin] == np.arange(core.row - above, core.row)).all()
