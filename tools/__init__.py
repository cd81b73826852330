"""What the project's own work needs beside the library: none of it is installed."""
