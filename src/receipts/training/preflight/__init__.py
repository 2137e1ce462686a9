"""A rehearsal on a copy before training: what the loss is given, whether samples mix, whether a batch can be learnt."""
