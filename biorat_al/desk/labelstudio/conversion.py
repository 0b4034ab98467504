"""Between entities and Label Studio's regions: the same for what goes over the wire and for its JSON files."""

from biorat_al.corpus.labelstudio_regions import Result, annotation_of, regions_of
from biorat_al.corpus.validation import ORIGINS

__all__ = ["ORIGINS", "Result", "annotation_of", "regions_of"]
