"""The pretrained encoder: text to word pieces, word pieces to batches, the network, a trained model on disk.

- ``encoder``: finds the encoder that training starts from, and loads it; ``head``: an encoder with a linear head.
- ``tokenizing``: word pieces with their offsets, and which of them begin a sentence.
- ``windows``: batches of windows of similar length.
- ``device``, ``memory``: the hardware, and the peak of the memory used.
- ``saved_model``: writes, checks and reads the folder of a trained model; ``starting_weights``: one to begin from.

The other rooms of the learner import this one; it imports none of them. Inside, ``tokenizing`` < ``encoder``;
``device`` and ``tokenizing`` < ``windows``; ``device`` < ``memory``; and ``saved_model`` imports ``encoder``, ``head``
and ``tokenizing``; ``starting_weights`` imports ``head`` and ``saved_model``.
"""
