"""Tables as people save them: bytes to text whatever the encoding, workbooks, cells, headings with units."""
