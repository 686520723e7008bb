"""training/calibration."""
