"""ScanNet v2: meshes with segments, objects, labels and RGB-D streams."""
