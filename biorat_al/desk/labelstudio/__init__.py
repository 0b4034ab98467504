"""The desk on a Label Studio server. Conversion of regions is in `biorat_al.corpus.formats.label_studio`.

- `client`: the desk itself (`LabelStudioDesk`, `connect`); it imports the modules below, and none of them imports it.
- `connection`: HTTP requests; `failures`: texts of their errors; `shapes`: checks of the JSON that comes back.
- `configuration`, `instruction`: what annotators see; `projects`: making projects and bringing them up to date.
- `people`: the server's users, and the link that invites new ones.
- `pushing`, `publishing`: tasks and pre-annotations out; `sheets`: tables above documents to settle.
- `pulling`: answers in, from `cursor`, `listing` (all tasks in short), `seats` (open places), `answers` (one answer).
- `local_server/`: a Label Studio on this machine; it imports nothing else from here.

`failures | shapes < connection`; `cursor | configuration | connection | sheets < pushing < listing < seats < answers <
pulling < publishing`; `instruction | configuration | connection < projects`; `connection < people`. What is on the
right may import the left.
"""
