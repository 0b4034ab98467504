"""What a user types for labels."""

from __future__ import annotations

import re

import pytest

from biorat_al.errors import SettingsError
from biorat_al.settings.options import entities_setting, relations_setting


def test_labels_and_the_labels_of_the_documents_that_count_as_them() -> None:
    assert entities_setting(["Disease", "Gene=GENE-Y, GENE-N,"]) == [
        {"name": "Disease", "sources": []},
        {"name": "Gene", "sources": ["GENE-Y", " GENE-N"]},
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Disease,Chemical", "a label has no comma; name each by itself: --entity Disease --entity Chemical"),
        ("Disease,", "a label has no comma; name each by itself: --entity Disease"),
        ("Disease, Chemical=X", "name each by itself: --entity Disease --entity Chemical"),
        ("Disease=", "--entity 'Disease=': no label of the documents follows the equals sign"),
        ("Disease= ,", "no label of the documents follows"),
        ("", "--entity '': the label is empty"),
        (" =X", "--entity ' =X': the label is empty"),
    ],
)
def test_what_would_become_a_label_that_nobody_means_is_refused(text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(message)):
        entities_setting([text])


def test_the_option_that_was_typed_is_named() -> None:
    with pytest.raises(SettingsError, match=r"^--borrow-entity 'A,B': .*: --borrow-entity A --borrow-entity B$"):
        entities_setting(["A,B"], "--borrow-entity")


def test_the_same_is_refused_for_relations() -> None:
    with pytest.raises(SettingsError, match="name each by itself: --relation CID --relation PPI"):
        relations_setting(["CID,PPI:Chemical:Disease"])
    with pytest.raises(SettingsError, match="no label of the documents follows"):
        relations_setting(["CID=:Chemical:Disease"])
