"""Errors that a person can act upon: each names its subject, the cause and the cure."""

from __future__ import annotations

from pathlib import Path
from typing import Self


class VigibatiError(Exception):
    """Root of all errors raised on purpose.

    Args:
        subject: File, folder, option or thing that the error is about.
        cause: What is wrong with it, with the value and the limit.
        cure: What to do about it, as an instruction.

    The text is always one line: ``subject: cause; cure``.
    """

    exit_code = 1

    def __init__(self, subject: str | Path, cause: str, cure: str) -> None:
        text = f"{subject}: {cause}; {cure}"
        super().__init__(" ".join(text.split()))
        self._parts = (str(subject), cause, cure)

    def __reduce__(self) -> tuple[type[Self], tuple[str, str, str]]:
        """Let an error travel between processes."""
        return type(self), self._parts


class InputError(VigibatiError, ValueError):
    """Something given by the user cannot be used; nothing was written."""

    exit_code = 2


class RasterError(InputError):
    """An orthophoto or probability raster cannot be used."""


class RecordsError(InputError):
    """Records, parcels or zones cannot be used."""


class CheckpointError(InputError):
    """A model checkpoint or its contract cannot be used."""


class SettingsError(InputError):
    """A recipe, preset or option does not hold."""


class DeviceError(InputError):
    """The device that was asked for is not there."""


class OutputError(InputError):
    """The result cannot be written where it was asked for."""


class MissingExtraError(InputError):
    """A package is not installed that an extra of this one brings."""
