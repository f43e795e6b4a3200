"""Wire formats, one file or folder each: what a device has to say in, bytes out."""
