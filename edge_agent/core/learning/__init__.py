"""What one channel taught: the rooms of the learned check. Pure Python, one reading at a time, no clock, no I/O.

`channel.Learner` is the whole; `docs/detection.md` has the measurements, the maths and its sources.
"""
