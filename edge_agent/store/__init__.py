"""What is on disk: the segment log for what is bulk, SQLite for what is few and precious."""
