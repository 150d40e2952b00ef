"""Names for the arrays that kernels pass around."""

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]
Floats32 = npt.NDArray[np.float32]
Floats64 = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Offsets = npt.NDArray[np.int32]
Words = npt.NDArray[np.uint64]
