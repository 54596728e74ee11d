#!/usr/bin/env python
"""Credence's command line: Django's, after the demo's environment has been found where there is no other."""

import os
import sys


def main() -> None:
    from governance import env

    if sys.argv[1:2] == ["demo"]:
        env.begin_demo()
    elif sys.argv[1:2] == ["witness"]:
        env.stand_alone()
    elif env.load_demo():
        sys.stderr.write(f"manage.py: demo mode, settings from {env.demo_file()}\n")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
