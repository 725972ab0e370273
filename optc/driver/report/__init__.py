"""Reports: one HTML page about a model, its weights, its errors and its plans; `page` makes it."""
