"""The HTML around the body of every page that the suite writes."""

import html


def skeleton(title: str, style: str, body: str) -> str:
    """Return a page with this title, style sheet and body; the title is shown as text."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="optimizer-benchmark">
<title>{html.escape(title)}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
{body}</body>
</html>
"""
