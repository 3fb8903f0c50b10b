"""`facevlm train cues` and `au`: the tables that faces are measured with."""
