"""Data sets as samples, synthetic faces, the chain-of-thought engine, and rows for trainers."""
