"""Looking at scans, predictions and errors."""
