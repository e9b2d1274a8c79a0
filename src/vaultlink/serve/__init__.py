"""One vault kept warm: its newest state for readers, held texts, and plans."""
