"""Faults by the thousand: what the program does when it is killed, cut off, lied to, or given broken files.

| module | what is in it |
|---|---|
| `ledger.py` | one line of JSON for each trial, so that a campaign can be resumed; the table at the end |
| `secret_words.py` | the secrets that every trial has, and whether a text shows one in any spelling |
| `borders.py` | where a process can be cut off: commits, renames, flushes, requests, files opened for writing |
| `processes.py` | commands in forked processes, killed or interrupted at a border |
| `scenes.py` | a small project for each command, and what is compared with an undisturbed run |
| `kills.py` | kills and signals at every border of every scene |
| `server.py` | a fake Label Studio in a separate process |
| `faulty_proxy.py` | a proxy that spoils the n-th request |
| `network.py` | those faults in rounds, before that server |
| `real_server.py` | the same before a real Label Studio |
| `postgres.py` | connections to a real Postgres that are cut |
| `corpora.py`, `mutations.py`, `files.py` | documents in every format, and what is done to them |
"""
