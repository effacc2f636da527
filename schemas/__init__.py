"""Every JSON shape on the wire, a file per noun. Unknown keys are refused, never dropped."""
