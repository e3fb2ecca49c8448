"""From compositions to volumes, and from volumes to the file of a liquid handler."""
