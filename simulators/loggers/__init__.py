"""What an HJ 212 logger does beside measuring: it remembers, does what the centre says, and keeps up a connection."""
