"""The commands on files of a corpus, which need no project: ``convert`` and ``validate``."""
