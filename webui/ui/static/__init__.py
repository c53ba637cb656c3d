"""Style and script of the page as a whole."""
