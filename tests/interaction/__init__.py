"""Scripts of frames and events that once went wrong. Each says what was seen, and by whom."""
