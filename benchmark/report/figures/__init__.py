"""Figures for papers: column-wide, in the page's colours, each with its caption beside it."""
