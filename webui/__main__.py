"""``python -m webui``: the same as the command fsmn-vad."""

import sys

from webui.cli import main

if __name__ == "__main__":
    sys.exit(main())
