"""Synthetic faces whose action units are known because they were put there: rig → expression → picture → truth."""
