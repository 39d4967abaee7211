"""IEC 62056-21, the text of electricity meters at their optical port."""
