"""The parts of a workbook that goes back to a department."""
