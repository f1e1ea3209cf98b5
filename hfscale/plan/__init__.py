"""What a campaign needs: its settings, its file, and the tasks it is cut into. Knows no engine and no store."""
