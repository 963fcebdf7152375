"""`fer-train dataset prepare`: one folder of JPEG faces with a manifest, split so that nobody is in two splits."""
