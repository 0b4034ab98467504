"""One round as a row of steps, each of which can be repeated without harm."""
