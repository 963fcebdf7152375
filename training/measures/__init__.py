"""Measures of detectors and classifiers: average precision, accuracy and its intervals, calibration, risk over coverage."""
