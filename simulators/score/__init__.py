"""The score: what happened held against what a receiver said of it."""
