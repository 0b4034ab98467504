"""How many documents a second a dictionary of many names marks.

The names and the abstracts are generated: words of two to four syllables, names of one to four words, abstracts of some
220 words, a tenth of which are names of the dictionary. Run it with::

    python benchmarks/dictionary_speed.py --names 200000 --documents 5000
"""

from __future__ import annotations

import argparse
import random
import resource
import time

from biorat_al.dictionary.matching import Matcher
from biorat_al.dictionary.reading import Name

_SYLLABLES = [one + two for one in "bcdfglmnprstv" for two in ("a", "e", "i", "o", "u", "an", "in", "or", "yl", "os")]


def _word(generator: random.Random) -> str:
    return "".join(generator.choices(_SYLLABLES, k=generator.randint(2, 4)))


def generated_names(number: int, generator: random.Random) -> list[Name]:
    """Return different names with identifiers; every tenth is an abbreviation in capitals."""
    names: dict[str, None] = {}
    while len(names) < number:
        if generator.random() < 0.1:
            letters = generator.choices("ABCDEFGHIKLMNPRSTV", k=generator.randint(3, 5))
            names["".join(letters) + str(len(names) % 9)] = None
        else:
            names[" ".join(_word(generator) for _ in range(generator.randint(1, 4)))] = None
    return [Name(name, f"TEST:{place}") for place, name in enumerate(names)]


def generated_text(names: list[Name], generator: random.Random) -> str:
    """Return an abstract of some 220 words."""
    words: list[str] = []
    while len(words) < 220:
        name = generator.choice(names).name if generator.random() < 0.05 else ""
        words += name.split() or [_word(generator)]
    return " ".join(word if generator.random() < 0.9 else f"{word}," for word in words) + "."


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", type=int, default=200_000)
    parser.add_argument("--documents", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=13)
    options = parser.parse_args()
    generator = random.Random(options.seed)
    names = generated_names(options.names, generator)
    texts = [generated_text(names, generator) for _ in range(options.documents)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    matcher = Matcher(names, "Disease")
    built = time.perf_counter() - begun
    begun = time.perf_counter()
    found = sum(len(matcher.entities(text)) for text in texts)
    seconds = time.perf_counter() - begun
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{matcher.names:,} names: built in {built:.1f} s, {memory:,.0f} MiB")
    print(f"{len(texts):,} documents, {found:,} mentions: {len(texts) / seconds:,.0f} documents a second")


if __name__ == "__main__":
    main()
