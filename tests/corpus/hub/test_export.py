from __future__ import annotations

from biorat_al.corpus.hub.export import exported


def test_the_files_of_the_hubs_own_copies_are_found_by_configuration_and_split() -> None:
    files = [
        ".gitattributes",
        "x_bigbio_kb/train/0001.parquet",
        "x_bigbio_kb/train/0000.parquet",
        "x_bigbio_kb/partial-test/0000.parquet",
        "x_source/train/0000.parquet",
        "x_source/train/index.duckdb",
    ]
    assert exported(files) == {
        "x_bigbio_kb": {
            "partial-test": ["x_bigbio_kb/partial-test/0000.parquet"],
            "train": ["x_bigbio_kb/train/0000.parquet", "x_bigbio_kb/train/0001.parquet"],
        },
        "x_source": {"train": ["x_source/train/0000.parquet"]},
    }


def test_a_dataset_with_a_card_is_no_such_copy() -> None:
    assert exported(["README.md", "x/train/0000.parquet"]) == {}
    assert exported(["data/train-00000-of-00001.parquet"]) == {}
