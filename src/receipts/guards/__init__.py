"""Small checks that catch what would otherwise be found at the deadline, each with a name, a verdict and a cure."""
