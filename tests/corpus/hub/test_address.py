from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.corpus.hub.address import HubAddress, is_hub_address
from biorat_al.errors import UsageError

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)


@pytest.mark.slow
@given(
    owner=NAMES,
    name=NAMES,
    revision=st.none() | st.sampled_from(["main", "refs/convert/parquet", "0" * 40, "v1.0"]),
    config=st.none() | NAMES,
)
def test_an_address_is_parsed_to_its_parts_and_written_as_it_was(
    owner: str, name: str, revision: str | None, config: str | None
) -> None:
    address = HubAddress(f"{owner}/{name}", revision, config)
    assert HubAddress.parse(str(address)) == address
    assert is_hub_address(str(address))


@pytest.mark.parametrize("text", ["hf:", "hf:bc5cdr", "hf:a/b/c", "hf:a/b:", "hf:a/b@:c", "hf:a/b:c:d", "hf:a /b"])
def test_what_does_not_name_a_dataset_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(UsageError, match=r"write hf:OWNER/NAME\[@REVISION\]\[:CONFIG\]"):
        HubAddress.parse(text)


def test_a_file_is_not_taken_for_a_dataset_of_the_hub() -> None:
    assert not is_hub_address("./hf:bigbio/bc5cdr")
    assert not is_hub_address("corpora/hf")
