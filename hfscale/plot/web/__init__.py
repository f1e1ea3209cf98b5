"""Self-contained web pages: HTML that is escaped by construction, our own scripts and styles, and data as JSON."""
