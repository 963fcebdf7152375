"""The commands of `fer-train`: options, and what each one starts and prints."""
