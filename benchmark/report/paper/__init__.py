"""Verdicts on the claims of a paper: tables, a document, a page and figures."""
