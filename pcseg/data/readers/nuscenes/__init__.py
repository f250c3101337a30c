"""nuScenes: tables, sweeps, cameras, and boxes that become point labels."""
