"""The page: a Gradio application in English and in Simplified Chinese."""
