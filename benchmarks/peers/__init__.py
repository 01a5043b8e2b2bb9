"""`verify` beside the tools that people use for this: the same twenty checks of one host, the same verdicts."""
