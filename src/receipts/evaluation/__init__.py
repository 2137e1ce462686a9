"""The harness: predictions and labels in, numbers out. Its three files are hashed into every record."""
