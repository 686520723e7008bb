from __future__ import annotations

from vigibati.configs.sources import source_credits


def test_every_source_says_where_whose_and_on_what_terms() -> None:
    credits_ = source_credits()
    assert {"barnarp", "synthetic"} <= set(credits_)
    for name, credit in credits_.items():
        for key, text in credit.model_dump().items():
            assert text.strip() == text != "", f"{name}: {key}"
            assert "\n" not in text, f"{name}: {key}"
