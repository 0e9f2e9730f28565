"""manage.py, settings and urls of a Django site in one file. Appends a line for each process that
gets as far as importing its views."""

import os
import sys

from django.conf import settings
from django.http import HttpResponse
from django.urls import path

if not settings.configured:
    # Its reloader tells the log which files it has seen: it never notices what changed before that.
    settings.configure(
        DEBUG=True, SECRET_KEY="x", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"],
        LOGGING={
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"watched": {"class": "logging.FileHandler",
                                     "filename": os.environ["IMPORT_LOG"] + ".watched"}},
            "loggers": {"django.utils.autoreload": {"handlers": ["watched"], "level": "DEBUG",
                                                    "propagate": False}},
        })

if "runserver" in sys.argv:
    with open(os.environ["IMPORT_LOG"], "a") as log:
        log.write(f"IMPORT pid={os.getpid()} flag={os.environ.get('RUN_MAIN')}\n")

urlpatterns = [path("", lambda request: HttpResponse(f"version 1 pid {os.getpid()}"))]

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
