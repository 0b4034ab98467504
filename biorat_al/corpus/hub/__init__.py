"""Corpora in BigBio's "kb" schema on the Hugging Face hub, by name.

- ``address``: how a user names one: ``hf:OWNER/NAME[@REVISION][:CONFIG]``.
- ``export``: the files of the hub's own Parquet copies of datasets.
- ``client``: what the hub, or this machine's cache of it, has under an address.
- ``failures``: why something could not be read, in words.
- ``corpus``: the documents of a corpus.

``address`` < ``export``, ``failures`` < ``client`` < ``corpus``.
"""
