"""Where it is hot, as polygons and as hours of the day.

pieces       connected pieces of a raster of classes (pure)
sieve        small pieces joined to what is round them, so that every band keeps its size (pure)
trace        outlines as one coverage: neighbours keep one common line (pure)
lines        borders drawn with few points; links chooses them, settle places them, crossings holds them apart (pure)
polygons     heat areas in longitude and latitude (pure)
text         the same as GeoJSON
hours        how long each cell was hot today (pure)
day          those hours kept over a restart
exceedance   those hours as layers, with the forecast of the rest of the day
"""
