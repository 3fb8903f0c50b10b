"""Models judged on labelled pictures: suites, the rows they leave, their figures, and what two runs differ in."""
