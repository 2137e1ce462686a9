"""Data: the dataset protocol, split manifests, the sealed view, transforms and batches."""
