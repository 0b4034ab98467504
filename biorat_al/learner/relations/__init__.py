"""Relations between mentions: which pairs could be related, and a network that says which of them are."""
