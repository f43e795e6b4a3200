"""Codecs: payloads to columns."""
