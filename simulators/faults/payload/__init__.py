"""What is done to the bytes of messages. Each knows the formats, and the word of the dead letter it makes of them."""
