"""BioC, as XML and as JSON.

``bioc_xml``, ``bioc_json``  the two formats; each turns its files into the JSON values of BioC JSON, and back
``json_layout``              detection of BioC JSON and the place of its documents
``reading``                  these values as records; ``relations``: the shapes of relations
``writing``                  records as these values

``relations < reading < writing < bioc_xml | bioc_json``; ``json_layout < bioc_json``.
"""
