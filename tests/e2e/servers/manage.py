"""manage.py, settings and urls of a Django site in one file. Appends a line for each process that
gets as far as importing its views."""

import logging
import os
import sys

from django.conf import settings
from django.http import HttpResponse
from django.urls import path

if not settings.configured:
    settings.configure(DEBUG=True, SECRET_KEY="x", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"])

if "runserver" in sys.argv:
    with open(os.environ["IMPORT_LOG"], "a") as log:
        log.write(f"IMPORT pid={os.getpid()} flag={os.environ.get('RUN_MAIN')}\n")
    # Its reloader says which files it has seen; what changed before that it will never notice.
    reloader = logging.getLogger("django.utils.autoreload")
    reloader.setLevel(logging.DEBUG)
    reloader.addHandler(logging.FileHandler(os.environ["IMPORT_LOG"] + ".watched"))
    reloader.propagate = False

urlpatterns = [path("", lambda request: HttpResponse(f"version 1 pid {os.getpid()}"))]

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
