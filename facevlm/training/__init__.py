"""The embedded model, adapters for any other, the matcher, and the measurement of faces: how each is made."""
