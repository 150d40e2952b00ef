"""Runs the heat simulation on live data: forcing from the stations, frames of the city, areas, point queries.

forcing      the last words of the stations -> one weather for the step (pure)
wind         what anemometers say -> the wind that heat is computed with (pure)
stations     what the stations say now; station_wbgt: the WBGT at each
engine       the port to the heat room: load a city, prepare it, step
cityfile     surfaces and prepared cities on disk; cityprepare writes one band by band, surface_city reads one as a city
frames       fields of a step <-> gray levels, statistics, band shares (pure)
bands        the classes that people read instead of degrees (pure)
png          gray levels <-> PNG (pure)
geotiff      values -> a GeoTIFF with its coordinate system (pure)
library      where frames are kept and found again
place        the city once it is loaded, and how far the loading is
service      the loop: looks, steps, keeps, prunes
areas/       gray levels -> polygons of the heat bands, hours of the day
forecast/    the rest of the day
paths/       cool ways on foot
whatif/      buildings and trees added or taken away
"""
