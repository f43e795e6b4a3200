"""What became of the messages of `simulators load`, told from what a receiver stored or passed on."""
