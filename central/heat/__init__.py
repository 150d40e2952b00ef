"""The pure outdoor heat simulation: a city surface and a weather in, fields of comfort out.

No input or output, no clock, no state: everything is handed in and everything is returned. Nothing is loaded with
this package itself, because Numba and its kernels take a second; import the module that is needed:

    central.heat.surface.Surface            the city as heights on a grid
    central.heat.geometry.prepare           what never changes between steps, computed once
    central.heat.sun.sun_position           where the sun stands
    central.heat.step.step                  one moment: mean radiant temperature, UTCI, WBGT, shadow
    central.heat.comfort                    the indices for single points, and the four bands of the city
"""
