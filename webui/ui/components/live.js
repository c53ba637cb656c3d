// Live.
