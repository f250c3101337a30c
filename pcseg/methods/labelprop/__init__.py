"""3DLabelProp: geometry and time against the domain shift, in real time."""
