"""The catalogue of checks: their names, what they assert, how a verdict is written down and how it is waived."""
