"""Fraud: what people do so that the centre sees something else than there is. One file a trick.

The tricks are numbered as inspectors list them, after the rules of 2015 (Huanfa 175) and what screening looks for.
"""
