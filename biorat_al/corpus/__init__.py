"""Documents, annotations, and the file formats that carry them."""
