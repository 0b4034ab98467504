"""How far labels go: simulated annotation, learning curves with intervals, forecasts and the report."""
