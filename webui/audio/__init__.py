"""A file or a recording becomes blocks of 16 kHz mono float32, and peaks for drawing."""

SAMPLE_RATE_HZ = 16_000
"""What all audio is brought to: the rate that the model was trained on."""
