"""One small module per engine; no other module imports one. An executor turns a task into a future, nothing more."""
