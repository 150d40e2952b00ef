import sys

from kumagaya.cli import main

sys.exit(main())
