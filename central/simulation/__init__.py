"""Runs the heat simulation on live data: forcing from the stations, frames of the city, areas, point queries.

forcing      the last words of the stations -> one weather for the step (pure)
frames       fields of a step <-> gray levels, statistics, band shares (pure)
png          gray levels <-> PNG (pure)
areas        gray levels -> polygons of the heat bands (pure)
geotiff      values -> a GeoTIFF with its coordinate system (pure)
library      where frames are kept and found again
place        the city once it is loaded, and how far the loading is
service      the loop: looks, steps, keeps, prunes
"""
