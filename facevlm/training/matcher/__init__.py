"""`facevlm train clip`: the embedded matcher, contrastively, on faces and captions of what they show."""
