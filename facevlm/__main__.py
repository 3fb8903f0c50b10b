"""`python -m facevlm`."""

import sys

from facevlm.cli import main

if __name__ == "__main__":
    sys.exit(main())
