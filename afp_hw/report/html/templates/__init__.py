"""Templates, style and script of a page."""
