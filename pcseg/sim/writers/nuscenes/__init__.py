"""nuScenes: sweeps, pictures, and tables that link them."""
