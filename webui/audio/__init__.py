"""A file or a recording becomes blocks of 16 kHz mono float32, and peaks for drawing."""
