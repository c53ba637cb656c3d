"""Live streams on the server: what a client says, what is kept of its sound, what it is told.

Knows nothing of WebSockets, nor of the page.
"""
