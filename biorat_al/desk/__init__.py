"""Desks, the places where people annotate: Label Studio, or an oracle that answers from gold annotations.

- `base`: the interface of every desk (`Desk`) and the values that go in and out (`Task`, `Pull`, …).
- `checks`: checks of tasks before they go to any desk.
- `oracle`: the desk that answers from gold, for simulations, demonstrations and tests.
- `labelstudio/`: the desk on a Label Studio server, and a local server for users who have none.

`base < checks < oracle | labelstudio/`: what is on the right may import what is on the left.
`oracle` and `labelstudio/` do not import each other. No desk knows rounds or the store.
"""
