"""The harness: predictions and labels in, numbers out. The files that make a number are hashed into every record."""
