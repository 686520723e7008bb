"""Law, method and territory as one value: all that decides which cases are listed, and in which order."""

from __future__ import annotations

from vigibati.configs.legal import LawPreset, LegalRules
from vigibati.configs.method import MethodRules
from vigibati.configs.paths import StrPath
from vigibati.configs.preset_files import preset_path
from vigibati.configs.territory import Territory, load_territory


class ComparisonRules(LegalRules, MethodRules):
    """A law preset with the method and the territory that it names."""

    territory: Territory


def load_rules(*, name: StrPath = "france") -> ComparisonRules:
    """Read a law preset, with the method and the territory that it names.

    Args:
        name: Name of a law that comes with the package, or path of a YAML file.

    Raises:
        SettingsError: There is no such preset, or one of the files does not fit its schema; the message
            names file and key.
    """
    path = preset_path(name, of="rules")
    law = LawPreset.read(path)
    method = MethodRules.read(preset_path("default", of="method")).model_dump()
    changed = {part: method.get(part, {}) | values for part, values in law.method.items()}
    values = {
        **law.model_dump(exclude={"method"}),
        **MethodRules.checked(method | changed, subject=f"{path}: method").model_dump(),
        "territory": load_territory(law.territory, beside=path.parent),
    }
    return ComparisonRules.checked(values, subject=path)
