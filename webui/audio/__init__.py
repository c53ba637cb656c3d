"""A file or a recording becomes blocks of 16 kHz mono float32, and peaks for drawing."""

SAMPLE_RATE_HZ = 16_000
"""What all audio is brought to: the rate that the model was trained on."""

FRAME_LENGTH_SAMPLES = 400
"""25 ms: the window that the model looks at to score once."""

FRAME_HOP_SAMPLES = 160
"""10 ms: from one window, and one score, to the next."""
