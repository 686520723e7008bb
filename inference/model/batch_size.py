"""How many windows go through the network at a time."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from vigibati.configs.errors import DeviceError

# A doubling that gains less than this costs memory for nothing.
_PAYS = 1.05

Windows = NDArray[np.uint8]
"""(N, planes, H, W)."""


class Batches:
    """Cuts a run of windows into batches: doubled from 1 while that fits and pays, halved when it does not.

    What was found is kept from one call to the next. No result depends on it.

    Args:
        device: Named in errors.
        largest: Where doubling ends; None for where memory or gain does.
        clock: Seconds.
    """

    def __init__(
        self,
        device: str,
        *,
        largest: int | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._device = device
        self._largest = largest
        self._clock = clock
        self._growing = largest != 1
        self._warm = False
        self._best = 0.0
        self.size = 1

    def run(self, step: Callable[[Windows], Windows], windows: Windows) -> Windows:
        """Return the results of all windows, in their order.

        Args:
            step: Windows to their results; may raise ``torch.OutOfMemoryError``.
            windows: At least one.

        Raises:
            DeviceError: Not even one window fits into memory.
        """
        results, done = [], 0
        while done < len(windows):
            batch = windows[done : done + self.size]
            began = self._clock()
            try:
                result = step(batch)
            except torch.OutOfMemoryError:
                # Left at once: the traceback holds the tensors that did not fit.
                result = None
            if result is None:
                self._shrink(len(batch), windows.shape[2:])
                continue
            self._learn(batch, self._clock() - began)
            results.append(result)
            done += len(batch)
        return results[0] if len(results) == 1 else np.concatenate(results)

    def _shrink(self, tried: int, shape: tuple[int, ...]) -> None:
        if tried == 1:
            cause = f"its memory does not hold one window of {shape[1]} x {shape[0]} pixels"
            cure = "use smaller windows, end what else runs on it, or use --device cpu"
            raise DeviceError(self._device, cause, cure)
        self.size, self._growing = tried // 2, False
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _learn(self, batch: Windows, seconds: float) -> None:
        if not self._growing or len(batch) < self.size:
            return
        if not self._warm:
            # The first batch of a size pays for choosing kernels; the second tells its speed.
            self._warm = True
            return
        rate = batch.size / max(seconds, 1e-9)
        if rate < _PAYS * self._best:
            self.size, self._growing = self.size // 2, False
            return
        self._best, self._warm = rate, False
        if self.size == self._largest:
            self._growing = False
        else:
            self.size *= 2
