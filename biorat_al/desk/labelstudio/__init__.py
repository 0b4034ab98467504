"""The Label Studio desk: client, conversion, labelling configuration, and a local server."""
