"""What is below the tables: opening a database, migrating it, and explaining its failures.

- `engine`: addresses of databases, and engines for SQLite and Postgres.
- `failures`: what a database's error means and what to do.
- `json_values`: JSON in the database, compared with what this program writes.
- `shapes`: what entries of this JSON look like.
- `busy`: which processes use a project's database.
- `checksums`: checksums of rows, which are written with them; `integrity`: all rows compared with theirs.
- `migration`: upgrading a database to the newest revision; it imports nothing else from here.

`busy < failures < engine`, `json_values < engine`, `json_values < shapes` and `checksums < integrity`:
what is on the right imports the left.
"""
