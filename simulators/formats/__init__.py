"""Wire formats, one file each: readings in, bytes out."""
