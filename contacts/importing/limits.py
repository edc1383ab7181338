"""How much an imported file may hold; beyond it the user is told what to do instead."""

FILE_BYTES = 200 * 1024 * 1024
SPREADSHEET_BYTES = 50 * 1024 * 1024
# A spreadsheet is a zip archive: a small file can unpack to fill the memory.
UNPACKED_BYTES = 1024 * 1024 * 1024
COLUMNS = 200
HEADER_CHARS = 200
CELL_CHARS = 10_000
# A quoted cell may hold line breaks; a quote that is still open after this many lines was a typing error.
QUOTED_LINES = 100
LINE_BYTES = 8 * 1024 * 1024

ATTRIBUTE_CHARS = 1000
TAG_CHARS = 60
TAGS_PER_ROW = 50
