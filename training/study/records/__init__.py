"""What the study keeps on the disk and in print: settings, folders of runs and reports, and its published figures."""
