"""BC5CDR and NCBI disease as they are, against the counts that were made of them independently."""

from __future__ import annotations

from pathlib import Path

import pytest

from biorat_al.corpus.formats.base import ReadReport
from biorat_al.corpus.formats.jsonl import write_jsonl
from biorat_al.corpus.model.document import Record
from biorat_al.corpus.reading import read_corpus
from biorat_al.errors import FormatError, OffsetError

SETS = ("Training", "Development")


def read(path: Path, skip_invalid: bool = False) -> tuple[list[Record], ReadReport]:
    report = ReadReport()
    return list(read_corpus(path, skip_invalid=skip_invalid, report=report)), report


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "chemical", "disease", "cid", "characters", "no_concept", "several", "composite"),
    [
        ("Training", 5203, 4182, 1038, 652_677, 76, 98, 89),
        ("Development", 5347, 4244, 1012, 647_028, 59, 100, 89),
    ],
)
def test_bc5cdr_in_pubtator(
    corpora: Path,
    part: str,
    chemical: int,
    disease: int,
    cid: int,
    characters: int,
    no_concept: int,
    several: int,
    composite: int,
) -> None:
    records, report = read(corpora / "bc5cdr" / f"CDR_{part}Set.PubTator.txt")
    assert (report.documents, report.annotated, report.invalid_count) == (500, 500, 0)
    assert report.mentions == {"Chemical": chemical, "Disease": disease}
    assert report.concept_relations == {"CID": cid}
    assert sum(len(record.document.text) for record in records) == characters
    entities = [entity for record in records if record.annotation for entity in record.annotation.entities]
    assert sum(not entity.concepts for entity in entities) == no_concept
    # one of the development set has a part without a concept: D002544|-1
    with_gaps = [entity.extras["identifiers"] for entity in entities if "identifiers" in entity.extras]
    assert with_gaps == (["D002544|-1"] if part == "Development" else [])
    assert sum(len(entity.concepts) > 1 for entity in entities) == several - len(with_gaps)
    assert sum("individual_mentions" in entity.extras for entity in entities) == composite
    assert {concept.database for entity in entities for concept in entity.concepts} == {"MESH"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "annotations", "composite", "individual", "discontinuous", "cid", "wrong"),
    [
        ("Training", 9570, 89, 185, 73, 1038, ["20722491", "11587867", "15863244"]),
        ("Development", 9773, 89, 182, 43, 1012, ["6415512"]),
    ],
)
def test_bc5cdr_in_bioc(
    corpora: Path,
    part: str,
    annotations: int,
    composite: int,
    individual: int,
    discontinuous: int,
    cid: int,
    wrong: list[str],
) -> None:
    path = corpora / "bc5cdr" / f"CDR_{part}Set.BioC.xml"
    with pytest.raises(OffsetError) as caught:
        read(path)
    assert caught.value.document == wrong[0]
    records, report = read(path, skip_invalid=True)
    # every one of the annotations that the readme of the corpus names as irregular, and no other
    assert [mention.document for mention in report.invalid] == wrong
    assert report.mentions.total() == annotations - len(wrong)
    assert report.concept_relations == {"CID": cid}
    entities = [entity for record in records if record.annotation for entity in record.annotation.entities]
    roles = [entity.extras.get("CompositeRole") for entity in entities]
    left_out = annotations - len(entities)
    assert roles.count("CompositeMention") == composite
    assert individual - left_out <= roles.count("IndividualMention") <= individual
    assert discontinuous - left_out <= sum(entity.is_discontinuous for entity in entities) <= discontinuous


@pytest.mark.slow
@pytest.mark.parametrize("part", SETS)
def test_bc5cdr_is_the_same_in_both_formats(corpora: Path, part: str) -> None:
    pubtator, _ = read(corpora / "bc5cdr" / f"CDR_{part}Set.PubTator.txt")
    bioc, report = read(corpora / "bc5cdr" / f"CDR_{part}Set.BioC.xml", skip_invalid=True)
    assert [record.document for record in pubtator] == [record.document for record in bioc]
    left_out = {mention.document for mention in report.invalid}
    for one, other in zip(pubtator, bioc, strict=True):
        assert one.annotation is not None
        assert other.annotation is not None
        assert set(one.annotation.concept_relations) == set(other.annotation.concept_relations)
        mentions = {(entity.label, entity.spans, frozenset(entity.concepts)) for entity in one.annotation.entities}
        others = {
            (entity.label, entity.spans, frozenset(entity.concepts))
            for entity in other.annotation.entities
            if entity.extras.get("CompositeRole") != "IndividualMention"
        }
        if one.document.id in left_out:
            assert others <= mentions
            assert len(mentions - others) <= 1
        else:
            assert mentions == others


def test_ncbi_disease(corpora: Path) -> None:
    path = corpora / "ncbi_disease" / "NCBItrainset_corpus.txt"
    with pytest.raises(OffsetError) as caught:
        read(path)
    assert (caught.value.source, caught.value.document) == (f"{path}:3249", "10923035")
    assert caught.value.found is not None
    assert caught.value.expected == caught.value.found + "  "
    records, report = read(path, skip_invalid=True)
    assert (report.documents, report.annotated, report.invalid_count) == (593, 593, 1)
    assert report.mentions == {
        "SpecificDisease": 2972 - 1,
        "Modifier": 1289,
        "DiseaseClass": 769,
        "CompositeMention": 115,
    }
    assert sum(len(record.document.text) for record in records) == 749_979
    twice = [record for record in records if record.document.id == "8528200"]
    assert len(twice) == 2
    assert twice[0][:2] == twice[1][:2]
    assert len({record.document.id for record in records}) == 592
    # the README counts the ends of the abstracts that are white space
    assert sum(record.document.text[-1].isspace() for record in records) == 528
    entities = [entity for record in records if record.annotation for entity in record.annotation.entities]
    # 22 with a plus, of which the mention that was left out is one
    assert sum("+" in entity.extras.get("identifiers", "") for entity in entities) == 21
    assert sum(len(entity.concepts) > 1 for entity in entities) == 93 + 21
    assert all(entity.concepts for entity in entities)
    assert {concept.database for entity in entities for concept in entity.concepts} == {"MESH", "OMIM"}
    assert all(concept.identifier.strip() == concept.identifier for entity in entities for concept in entity.concepts)


def test_ncbi_disease_development(corpora: Path) -> None:
    records, report = read(corpora / "ncbi_disease" / "NCBIdevelopset_corpus.txt")
    assert (report.documents, report.invalid_count) == (100, 0)
    assert report.mentions == {"SpecificDisease": 412, "Modifier": 214, "DiseaseClass": 126, "CompositeMention": 35}
    assert sum(len(record.document.text) for record in records) == 132_640
    entities = [entity for record in records if record.annotation for entity in record.annotation.entities]
    assert sum("+" in entity.extras.get("identifiers", "") for entity in entities) == 10
    assert sum(len(entity.concepts) > 1 for entity in entities) == 20 + 10


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "bc5cdr/CDR_TrainingSet.PubTator.txt",
        "bc5cdr/CDR_DevelopmentSet.BioC.xml",
        "ncbi_disease/NCBItrainset_corpus.txt",
    ],
)
def test_json_lines_hold_all_of_it(corpora: Path, tmp_path: Path, name: str) -> None:
    records, _ = read(corpora / name, skip_invalid=True)
    write_jsonl(tmp_path / "corpus.jsonl.gz", records)
    back, _ = read(tmp_path / "corpus.jsonl.gz")
    assert [record[:2] for record in back] == [record[:2] for record in records]


def test_the_folders_need_to_be_told_which_format(corpora: Path) -> None:
    with pytest.raises(FormatError, match=r"2 bioc-xml, 1 plain-text, 2 pubtator"):
        read(corpora / "bc5cdr")
    report = ReadReport()
    assert sum(1 for _ in read_corpus(corpora / "bc5cdr", format="pubtator", report=report)) == 1000
    assert (report.files, report.mentions.total(), report.skipped_count) == (2, 9385 + 9591, 4)
    assert report.skipped_count == len(report.skipped)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "documents", "chemical", "gene_y", "gene_n", "relations", "groups", "gold"),
    [
        (
            "training", 1020, 13_017, 8_348, 4_387, 6_437,
            {0: 1, 1: 308, 2: 1652, 3: 777, 4: 2260, 5: 173, 6: 235, 7: 29, 8: 34, 9: 727, 10: 241}, 4157,
        ),
        (
            "development", 612, 8_004, 5_151, 2_412, 3_558,
            {0: 2, 1: 153, 2: 780, 3: 552, 4: 1103, 5: 116, 6: 199, 7: 19, 8: 2, 9: 457, 10: 175}, 2416,
        ),
    ],
)  # fmt: skip
def test_chemprot(
    corpora: Path, part: str, documents: int, chemical: int, gene_y: int, gene_n: int, relations: int,
    groups: dict[int, int], gold: int,
) -> None:  # fmt: skip
    records, report = read(corpora / "chemprot" / f"chemprot_{part}")
    assert (report.files, report.documents, report.annotated) == (1, documents, documents)
    assert (report.invalid_count, report.skipped_count) == (0, 0)
    assert report.mentions == {"CHEMICAL": chemical, "GENE-Y": gene_y, "GENE-N": gene_n}
    assert report.relations == {f"CPR:{group}": number for group, number in groups.items()}
    assert report.relations.total() == relations
    found = [(r.document.id, relation) for r in records if r.annotation for relation in r.annotation.relations]
    evaluated = {(i, r.label, r.head, r.tail) for i, r in found if r.extras["evaluated"]}
    assert len(evaluated) == gold
    assert {r.extras["label"] for _, r in found if r.label == "CPR:10"} == {"NOT"}
    assert sum(any(ord(character) > 127 for character in r.document.text) for r in records) == (
        271 if part == "training" else 166
    )


DDI_MENTIONS = {
    "DrugBank": {"drug": 8197, "group": 3206, "brand": 1423, "drug_n": 103},
    "MedLine": {"drug": 1228, "group": 193, "brand": 14, "drug_n": 401},
}
DDI_RELATIONS = {
    "DrugBank": {"effect": 1535, "mechanism": 1257, "advise": 818, "int": 178},
    "MedLine": {"effect": 152, "mechanism": 62, "advise": 8, "int": 10},
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "documents", "sentences", "in_pieces", "nothing", "wrong"),
    [("DrugBank", 572, 5675, 33, 28, ["DDI-DrugBank.d229", "DDI-DrugBank.d326"]), ("MedLine", 142, 1301, 5, 13, None)],
)
def test_ddi_xml(
    corpora: Path, part: str, documents: int, sentences: int, in_pieces: int, nothing: int, wrong: list[str] | None
) -> None:
    records, report = read(corpora / "ddi" / "xml" / "Train" / part, skip_invalid=True)
    assert (report.files, report.documents, report.annotated) == (documents, documents, documents)
    # four discontinuous mentions have a text that is not that of their pieces
    assert (report.invalid_count, len({m.document for m in report.invalid})) == ((2, 2) if wrong else (2, 1))
    assert report.mentions.total() + report.invalid_count == sum(DDI_MENTIONS[part].values())
    for label, number in DDI_MENTIONS[part].items():
        assert number - 2 <= report.mentions[label] <= number
    left_out = report.relations_left_out
    # the one pair without a type counts as int, as in the makers' own brat files
    untyped = part == "DrugBank"
    assert report.relations.total() + left_out == sum(DDI_RELATIONS[part].values()) + untyped
    assert sum(len(record.document.metadata.get("sentences", ())) for record in records) == sentences
    annotations = [record.annotation for record in records if record.annotation is not None]
    found = sum(entity.is_discontinuous for annotation in annotations for entity in annotation.entities)
    assert found + report.invalid_count == in_pieces
    assert sum(not annotation.entities for annotation in annotations) in (nothing, nothing + 1)
    relations = [relation for annotation in annotations for relation in annotation.relations]
    assert not any(relation.directed for relation in relations)
    assert [relation.id for relation in relations if relation.extras] == ["DDI-DrugBank.d236.s29.p0"] * untyped


@pytest.mark.parametrize(("part", "documents", "wrong"), [("DrugBank", 572, 3), ("MedLine", 142, 2)])
def test_ddi_in_brat(corpora: Path, part: str, documents: int, wrong: int) -> None:
    records, report = read(corpora / "ddi" / "brat" / "Train" / part, skip_invalid=True)
    assert (report.files, report.documents, report.annotated, report.skipped_count) == (
        documents,
        documents,
        documents,
        0,
    )
    assert report.invalid_count == wrong
    assert report.mentions.total() + wrong == sum(DDI_MENTIONS[part].values())
    assert report.relations.total() + report.relations_left_out == sum(DDI_RELATIONS[part].values()) + (wrong == 3)
    carriage_returns = {record.document.id for record in records if "\r\n" in record.document.text}
    assert carriage_returns == ({"11218973", "8682269"} if part == "MedLine" else set())
    lengths = sorted(len(record.document.text) for record in records)
    assert (lengths[0], lengths[-1]) == ((11, 9036) if part == "DrugBank" else (229, 4154))


@pytest.mark.slow
@pytest.mark.parametrize("part", ["DrugBank", "MedLine"])
def test_ddi_has_the_same_text_in_both_forms_mostly(corpora: Path, part: str) -> None:
    xml, _ = read(corpora / "ddi" / "xml" / "Train" / part, skip_invalid=True)
    brat, _ = read(corpora / "ddi" / "brat" / "Train" / part, skip_invalid=True)
    texts = {record.document.id: record.document.text for record in brat}
    documents = [record.document for record in xml]
    same = sum(texts[document.metadata.get("file", document.id)] == document.text for document in documents)
    # in most abstracts something else stands between the title and the first sentence of the abstract
    assert (same, len(documents)) == ((572, 572) if part == "DrugBank" else (30, 142))
