"""What is kept: documents, answers, rounds, models, predictions, picks, in SQLite or Postgres."""
