"""Where people annotate: Label Studio, or an oracle that answers from gold annotations."""
