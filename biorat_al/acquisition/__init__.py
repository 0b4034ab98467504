"""Which documents to ask for: uncertainty, diversity, budget."""
