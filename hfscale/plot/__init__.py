"""From CLs of signal points to exclusion contours: arrays to lines, then lines to a Figure."""
