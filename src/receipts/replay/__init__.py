"""Making a recorded run once more: from its commit, its lock and its data, in a place of its own."""
