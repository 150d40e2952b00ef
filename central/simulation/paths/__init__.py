"""Cool ways on foot.

place        a place as people write it (pure)
walking      the walking lines of the city that is served
heat         what walkers meet in one frame (pure)
cool         from one place to another: shortest, coolest and between (pure)
geojson      walks as GeoJSON (pure)
"""
