"""OpenPARS."""
