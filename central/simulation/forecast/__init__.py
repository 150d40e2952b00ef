"""The heat of today's remaining hours, and how good it was.

history      the stations' past, hour by hour
weather      persistence blended with the diurnal course of that past (pure)
supplied     a forecast that somebody else made, as CSV (pure)
course       both as one course without a step (pure)
outlook      frames of the coming hours, made anew every hour of the city's time
shelf        where they are kept
skill        scores against persistence (pure)
"""
