"""The project's database (SQLite or Postgres): its tables, and the queries on them.

- `database/`: addresses, engines, migrations, and what failures of a database mean; it imports nothing from here.
- `tables/`: all tables. `store`: one opened database (`Store`), from `database/` and `tables/`.
- `annotations`: annotations to rows and back; `documents`, `creation`: documents in and out, a new project's store.
- `tasks`: tasks and the merge of fetched answers, with `revisions` (who made which) and `known_answers`.
- `answers`: which annotation counts, with the votes in `consensus/`.
- `parts/`: the segments of documents that can be asked for, and which documents are annotated as a whole.
- `team/`: a group of annotators: its members, and which documents each of them is asked for.
- `models`, `evaluations`, `picks`, `rounds`: rows of the rounds; `shown_relations`: relations of shown pre-labels.
- `settling/`: documents on which people are asked again, and their answers.
- `pool_arrays`: the ids of a large pool, and what a model has measured of it, in arrays.
- `asked`: which labels annotators could choose when they gave an answer.
- `findings`: what a person should know about the current answers.

`tables < annotations` < the other modules; among these `documents < creation`, `models < pool_arrays |
shown_relations`, `revisions < known_answers < tasks < settling`, `parts.segments | team < answers < parts.wholeness`,
`consensus < answers` and `store < answers`: what is on the right may import what is on the left.
"""
