"""Where a number comes from: commit, data, code, environment, and the one identity made of them."""
