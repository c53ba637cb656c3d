"""Parts of the page; each has build(), which makes components, and wire(), which joins them."""
