"""Headers that the plain routes share."""

AS_DECLARED = {"x-content-type-options": "nosniff"}
"""A browser must not take a figure, or sound, for a page."""

FOREVER = "private, max-age=31536000, immutable"
"""Of what has the version of its scores in its address."""
