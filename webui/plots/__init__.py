"""Matplotlib figures of a result, for print and for export."""
