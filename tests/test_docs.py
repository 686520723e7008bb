"""The pages are true: what they name exists, and what exists is named."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer

import vigibati
from vigibati.cadastre.choices import CHOICES
from vigibati.cadastre.publishing.columns import LAYOUTS
from vigibati.cli.app import app
from vigibati.configs.adaptation import Adaptation
from vigibati.configs.legal import LawPreset
from vigibati.configs.recipe import Augmentation, Recipe
from vigibati.configs.sources import source_credits
from vigibati.configs.territory import ParcelNames, Territory

FOLDERS = ("cadastre", "checkpoints", "configs", "datasets", "inference", "training", "vigibati")
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/**/*.md")


def pages(root: Path) -> list[Path]:
    return sorted(path for pattern in PAGES for path in root.glob(pattern))


def text_of(root: Path, page: str) -> str:
    return (root / page).read_text(encoding="utf-8")


def table(root: Path, page: str, name: str) -> list[list[str]]:
    marked = re.search(
        rf"<!-- table:{name} -->\n(.*?)\n<!-- /table:{name} -->", text_of(root, page), re.DOTALL
    )
    assert marked is not None, f"{page} has no table '{name}'"
    lines = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in marked[1].splitlines()]
    assert len({len(line) for line in lines}) == 1, f"{page}: table '{name}' is ragged"
    return lines[2:]


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def commands() -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        found |= (
            {name: command} if inner is None else {f"{name} {key}": value for key, value in inner.items()}
        )
    return found


def test_the_design_names_every_verb(root: Path) -> None:
    rows = [named(row[0]) for row in table(root, "docs/design.md", "verbs")]
    assert sorted(verb for (verb,) in rows) == sorted(commands())


def test_the_design_names_every_field_of_a_case_and_its_values(root: Path) -> None:
    columns = {column.name: column for column in LAYOUTS["cases"]}
    rows = table(root, "docs/design.md", "case-fields")
    assert sorted(field for row in rows for field in named(row[1])) == sorted(columns)
    for field, values in table(root, "docs/design.md", "case-values"):
        choices = columns[named(field)[0]].choices
        assert choices is not None
        assert set(named(values)) == set(CHOICES[choices])


def test_what_is_planned_is_not_there(root: Path) -> None:
    there = {*commands(), *(column.name for column in LAYOUTS["cases"])}
    for plan, _ in table(root, "docs/design.md", "planned"):
        assert not set(named(plan)) & there, f"already there: {plan}"


def test_the_readme_names_every_layer_and_columns_that_exist(root: Path) -> None:
    rows = table(root, "README.md", "layers")
    assert [named(row[0])[0] for row in rows] == list(LAYOUTS)
    # Kept beside the columns of the layout, because registration adds them.
    moved = {"offset_m", "tolerance_m"}
    for layer, _, columns in rows:
        known = {column.name for column in LAYOUTS[named(layer)[0]]} | moved
        assert set(named(columns)) <= known


def test_the_guide_names_every_choice_of_a_planner(root: Path) -> None:
    guide = " ".join(text_of(root, "docs/inspecteur.md").split())
    for choices in ("status", "control"):
        assert " · ".join(phrase.fr for phrase in CHOICES[choices].values()) in guide
    for column in LAYOUTS["cases"]:
        if column.editable:
            assert f"**{column.alias.fr}** (`{column.name}`)" in guide


def test_every_key_of_a_recipe_is_explained(root: Path) -> None:
    rows = table(root, "docs/training.md", "recipe")
    assert sorted(key for row in rows for key in named(row[0])) == sorted(Recipe.model_fields)
    (changes,) = (row[1] for row in rows if named(row[0]) == ["augmentation"])
    assert named(changes) == list(Augmentation.model_fields)


def test_every_setting_of_an_adaptation_is_explained(root: Path) -> None:
    rows = table(root, "docs/adapt.md", "adaptation")
    assert sorted(key for row in rows for key in named(row[0])) == sorted(Adaptation.model_fields)


def test_every_key_of_a_country_is_explained(root: Path) -> None:
    for name, schema in (("law", LawPreset), ("territory", Territory)):
        rows = table(root, "docs/operator.md", name)
        assert sorted(key for row in rows for key in named(row[0])) == sorted(schema.model_fields)
    (parcel,) = (row[1] for row in rows if named(row[0]) == ["parcel"])
    assert set(ParcelNames.model_fields) <= set(named(parcel))


def test_the_sources_are_those_of_the_card(root: Path) -> None:
    told = {named(name)[0]: rest for name, *rest in table(root, "docs/training.md", "sources")}
    credits_ = source_credits()
    assert told == {name: [of.place, of.credit, of.licence, of.note] for name, of in credits_.items()}


def shell_commands(text: str) -> Iterator[list[str]]:
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["vigibati"]:
                yield words[1:]


def test_the_commands_of_the_pages_hold(root: Path) -> None:
    known, checked = commands(), 0
    for page in pages(root):
        for words in shell_commands(page.read_text(encoding="utf-8")):
            verb = next(name for name in (" ".join(words[:2]), words[0]) if name in known)
            options = {
                option: item for item in known[verb].params for option in item.opts if option[:2] == "--"
            }
            given = {word for word in words if word.startswith("--")}
            needed = {option for option, item in options.items() if item.required}
            assert given <= set(options), f"{page.name}: vigibati {verb} has no {given - set(options)}"
            assert needed <= given, f"{page.name}: vigibati {verb} lacks {needed - given}"
            checked += 1
    assert checked > 10


def test_make_targets_of_the_pages_exist(root: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of(root, "Makefile"), re.MULTILINE))
    for page in pages(root):
        text = page.read_text(encoding="utf-8")
        asked = re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE)
        assert set(asked) <= targets, page


def test_the_python_of_the_readme_holds(root: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", text_of(root, "README.md"), re.DOTALL)
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    (call,) = (node for node in calls if ast.unparse(node.func) == "vigibati.detect")
    signature = inspect.signature(vigibati.detect)
    signature.bind(*call.args, **{str(keyword.arg): keyword.value for keyword in call.keywords})


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_link_leads_somewhere(root: Path) -> None:
    for page in pages(root):
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            if link.startswith("https://"):
                continue
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            assert target.exists(), f"{page.name}: {link}"
            if anchor:
                headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
                assert anchor in {slug(heading) for heading in headings}, f"{page.name}: {link}"


def paths_named(text: str) -> set[str]:
    """Files of this repository that a text names, such as docs/design.md."""
    folders = "|".join((*FOLDERS, "tests", "benchmarks", "docs"))
    return set(re.findall(rf"(?<![\w/.~-])(?:{folders})/[\w./-]*\w\.(?:py|yaml|md)\b", text))


def test_every_file_that_is_named_exists(root: Path) -> None:
    code = [path for folder in (*FOLDERS, "benchmarks") for path in (root / folder).rglob("*.py")]
    for page in [*pages(root), *code, root / "Makefile"]:
        text = page.read_text(encoding="utf-8")
        dead = sorted(path for path in paths_named(text) if not (root / path).exists())
        # The configuration of another project, named where its bands are.
        assert set(dead) <= {"configs/train/config_supervision.yaml"}, f"{page} names {dead}"


def test_every_module_that_is_named_exists(root: Path) -> None:
    for page in pages(root):
        for name in set(re.findall(r"(?<![\w.])vigibati(?:\.[a-z_]+)+", page.read_text(encoding="utf-8"))):
            home, _, attribute = name.rpartition(".")
            assert find_spec(name) or hasattr(import_module(home), attribute), f"{page} names {name}"


def test_each_change_names_its_files_and_the_test_that_speaks(root: Path) -> None:
    rows = table(root, "docs/contributing/changes.md", "changes")
    assert len(rows) == len({change for change, _, _ in rows}) == 8
    for change, files, speaks in rows:
        paths = [name for name in named(files) if "/" in name]
        assert paths, f"{change}: no file is named"
        assert all((root / path).exists() for path in paths), f"{change}: {paths}"
        (test,) = named(speaks)
        assert (root / test).is_file(), f"{change}: {test} is not there"
