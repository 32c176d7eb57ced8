"""Reports: a document of numbers as one HTML file that opens without a network."""
