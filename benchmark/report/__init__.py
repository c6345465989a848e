"""From numbers to what people look at; neither torch nor Lightning is imported."""
