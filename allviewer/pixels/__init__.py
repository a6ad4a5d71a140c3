"""Array in, array out: filters and equalisers that know nothing of cells."""
