"""Rows of a part: from a table or the records to described materials and a target."""
