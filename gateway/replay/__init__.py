"""A recording run through the gateway without broker or wall clock."""
