"""Rendered cameras: scenes, walking persons, and the renderer that makes JPEG frames of them."""
