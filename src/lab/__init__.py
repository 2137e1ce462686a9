"""Yours: models, datasets and transforms. Replace the examples; the core never imports this package."""
