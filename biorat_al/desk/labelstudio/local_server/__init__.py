"""A Label Studio server on this machine.

- `server`: the server itself, installed, started and stopped; it imports the other three.
- `installation`: its virtual environment.
- `credentials`: the e-mail, password and token of its first user.
- `processes`: whether its process still runs, and how to end it.

The last three import nothing from each other or from the desk.
"""
