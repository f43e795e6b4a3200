"""What is known of each logger that speaks HJ 212: how it keeps to the standard, what it repeats, what is missing."""
