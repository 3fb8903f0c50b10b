"""`facevlm train base`, and `sft` of the embedded model: what ships, made from nothing."""
