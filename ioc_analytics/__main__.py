"""``python -m ioc_analytics``: the command line."""

from ioc_analytics.cli.main import main

if __name__ == "__main__":
    main()
