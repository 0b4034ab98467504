"""Documents on which people are asked again: to settle what annotators disagree on, or what an audit found.

- `settlements`: what was asked, and what became of it.
- `answers`: the merge of fetched answers, which are the truth of their documents from then on.
"""
