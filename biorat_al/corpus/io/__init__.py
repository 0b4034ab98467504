"""Files as lines, chunks, JSON values and XML elements, independent of any corpus format.

``source``       one file: unpacked, decoded, with its place for messages and its bytes counted
``json_stream``  the items of one large JSON file, one by one
``json_head``    the start of a JSON file as values, to detect a format by its keys
``json_fields``  fields of a JSON object, checked for their type
``xml_stream``   the document elements of an XML file, one by one, without entities
``on_disk``      what is remembered of each document of a corpus of any size

``source < json_stream | xml_stream``; ``json_head``, ``json_fields`` and ``on_disk`` import none of the others.
"""
