"""What if: buildings and trees added or taken away, and what that does to the heat.

edit         GeoJSON -> changes, every fault named by feature and field (pure)
surface      changes onto the rasters (pure)
window       which cells a change can reach, and which cells those can see (pure)
compare      before and after at chosen moments: maps and a table (pure)
maps         differences as layers for pictures and GeoTIFFs (pure)
shelf        finished scenarios on disk
jobs         one comparison at a time, a short queue, progress and cancelling
"""
