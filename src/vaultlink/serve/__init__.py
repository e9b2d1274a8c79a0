"""One vault kept in memory for many questions, and the server that answers them."""
