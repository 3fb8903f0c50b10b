"""`facevlm train sft`, `grpo` and `rounds`: LoRA adapters for any model that vLLM serves."""
