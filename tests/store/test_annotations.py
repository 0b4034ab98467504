"""What a prediction keeps as JSON comes back as it was."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from biorat_al.corpus.model.document import Relation
from biorat_al.store.annotations import relation_from_values, relation_values

names = st.text(min_size=1, max_size=20)
relations = st.builds(
    Relation,
    id=names,
    label=names,
    head=names,
    tail=names,
    directed=st.booleans(),
    extras=st.dictionaries(names, st.one_of(st.floats(0, 1), names, st.none()), max_size=3),
)


@given(relations)
def test_a_relation_comes_back_from_json(relation: Relation) -> None:
    assert relation_from_values(json.loads(json.dumps(relation_values(relation)))) == relation
