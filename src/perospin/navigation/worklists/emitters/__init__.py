"""One function a machine: from a worklist to the text of its files."""
