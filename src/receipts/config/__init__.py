"""Configuration: the typed schema, its composition by Hydra, its checks, and building what it names."""
