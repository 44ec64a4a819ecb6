"""The science: arrays and frames in, arrays and frames out."""
