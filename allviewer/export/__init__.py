"""What leaves the program: tables, GeoJSON, overlays, summaries."""
