#include "supervisor/presets.h"

#include <signal.h>

#include "common/flag.h"

namespace oneloop {

using std::chrono::seconds;

const std::vector<Preset>& presets() {
    static const std::vector<Preset> table = {
        {.name = "none",
         .summary = "any program",
         .environment = {},
         .default_socket = "",
         .descriptor_argument = "",
         .stop_signal = SIGTERM,
         .stop_timeout = seconds(10),
         .exit_3_reloads = true,
         .serves_http = false,
         .programs = {},
         .word = "",
         .host_options = {},
         .port_options = {},
         .host_variable = "",
         .port_variable = "",
         .effect = ""},
        // Werkzeug's parent sets both variables or neither: with the flag alone the child dies of a
        // KeyError, and a socket that does not listen yet refuses for ever.
        // INT, because `flask run` and `app.run` end cleanly on it in both modes, while TERM
        // without Werkzeug's reloader kills in the middle of a request.
        // Two seconds, because a thread that is no daemon keeps Python from ever exiting.
        {.name = "flask",
         .summary = "an unmodified Flask program: app.run(debug=True) or flask run",
         .environment = {{flag::werkzeug_run_main, "true"}, {flag::werkzeug_server_fd, "{fd}"}},
         .default_socket = "127.0.0.1:5000",
         .descriptor_argument = "",
         .stop_signal = SIGINT,
         .stop_timeout = seconds(2),
         .exit_3_reloads = true,
         .serves_http = true,
         .programs = {"flask"},
         .word = "run",
         .host_options = {"--host", "-h"},
         .port_options = {"--port", "-p"},
         .host_variable = "FLASK_RUN_HOST",
         .port_variable = "FLASK_RUN_PORT",
         .effect = "it gets its socket and WERKZEUG_RUN_MAIN from us, and stops on INT"},
        // runserver takes no socket, it opens its own. INT ends it cleanly with its reloader and
        // without; a TERM without it kills.
        {.name = "django",
         .summary = "manage.py runserver, with --noreload or without",
         .environment = {{flag::django_run_main, "true"}},
         .default_socket = "",
         .descriptor_argument = "",
         .stop_signal = SIGINT,
         .stop_timeout = seconds(2),
         .exit_3_reloads = true,
         .serves_http = true,
         .programs = {"manage.py", "django-admin", "django"},
         .word = "runserver",
         .host_options = {},
         .port_options = {},
         .host_variable = "",
         .port_variable = "",
         .effect = "it gets RUN_MAIN, so that it starts no second process, and stops on INT; it "
                   "takes no socket, so connections are refused during a reload"},
        // Exit 3 is uvicorn's STARTUP_FAILURE and gunicorn's WORKER_BOOT_ERROR: started again at
        // once, they would fail at once.
        {.name = "uvicorn",
         .summary = "uvicorn, best with --fd 3",
         .environment = {},
         .default_socket = "127.0.0.1:8000",
         .descriptor_argument = "--fd",
         .stop_signal = SIGTERM,
         .stop_timeout = seconds(10),
         .exit_3_reloads = false,
         .serves_http = true,
         .programs = {"uvicorn"},
         .word = "",
         .host_options = {},
         .port_options = {},
         .host_variable = "",
         .port_variable = "",
         .effect = "exit 3 is a failed start; with --fd 3 it serves on our socket, and no "
                   "connection is refused during a reload"},
        // Its master ends its workers itself after 30 s (--graceful-timeout).
        {.name = "gunicorn",
         .summary = "gunicorn; with --socket it serves there",
         .environment = {},
         .default_socket = "127.0.0.1:8000",
         .descriptor_argument = "fd://",
         .stop_signal = SIGTERM,
         .stop_timeout = seconds(32),
         .exit_3_reloads = false,
         .serves_http = true,
         .programs = {"gunicorn"},
         .word = "",
         .host_options = {},
         .port_options = {},
         .host_variable = "",
         .port_variable = "",
         .effect = "exit 3 is a failed start, a stop may take 32s; with --socket it serves on our "
                   "socket, and no connection is refused during a reload"},
        {.name = "node",
         .summary = "node; with --socket for server.listen({fd: 3})",
         .environment = {},
         .default_socket = "",
         .descriptor_argument = "",
         .stop_signal = SIGTERM,
         .stop_timeout = seconds(10),
         .exit_3_reloads = true,
         .serves_http = true,
         .programs = {"node", "nodejs"},
         .word = "",
         .host_options = {},
         .port_options = {},
         .host_variable = "",
         .port_variable = "",
         .effect = "with --socket and server.listen({fd: 3}) no connection is refused during a "
                   "reload"},
    };
    return table;
}

const Preset* find_preset(std::string_view name) {
    for (const auto& preset : presets()) {
        if (preset.name == name) return &preset;
    }
    return nullptr;
}

std::string preset_names() {
    std::string names;
    for (const auto& preset : presets()) {
        if (!names.empty()) names += ", ";
        names += preset.name;
    }
    return names;
}

}  // namespace oneloop
