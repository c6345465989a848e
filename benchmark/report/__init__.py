"""Reports: tables, pages, figures and texts; neither torch nor Lightning is imported."""
