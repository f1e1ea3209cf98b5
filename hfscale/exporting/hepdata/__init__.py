"""Results as a submission to HEPData: a folder with ``submission.yaml`` and one YAML file for each table."""
