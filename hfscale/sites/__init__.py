"""Sites: the batch systems that campaigns are handed to, described by one small YAML file each."""
