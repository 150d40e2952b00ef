"""The city in: PLATEAU CityGML, building outlines of OSM files, or a built-in downtown; surface rasters and outlines out."""
