#include "supervisor/presets.h"

#include <signal.h>

#include <array>

#include "common/flag.h"

namespace oneloop {
namespace {

using std::chrono::seconds;

const std::array<Preset, 2>& presets() {
    static const std::array<Preset, 2> table = {{
        {"none", "any program", {}, "", SIGTERM, seconds(10)},
        // Werkzeug's parent sets both variables or neither: with the flag alone the child dies of a
        // KeyError, and a socket that does not listen yet refuses for ever.
        // INT, because `flask run` and `app.run` end cleanly on it in both modes, while TERM
        // without Werkzeug's reloader kills in the middle of a request.
        // Two seconds, because a thread that is no daemon keeps Python from ever exiting.
        {"flask",
         "an unmodified Flask program: app.run(debug=True) or flask run",
         {{flag::werkzeug_run_main, "true"}, {flag::werkzeug_server_fd, "{fd}"}},
         "127.0.0.1:5000",
         SIGINT,
         seconds(2)},
    }};
    return table;
}

}  // namespace

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
