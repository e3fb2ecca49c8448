"""What headings and names of files say: roles of columns, units, conditions."""
