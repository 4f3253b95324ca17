"""The channel between the control node and an attempt: words and packs in, events out."""
