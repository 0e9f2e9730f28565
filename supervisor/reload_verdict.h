// reload_verdict: what has become of a reload, as who asked for it sees it from outside.
//
// Pure: two status reports in, a verdict out. Not for asking (remote_commands) and not for whether
// to reload at all (reload, build_gate). Any thread.
#pragma once

#include "supervisor/control_protocol.h"

namespace oneloop {

enum class ReloadVerdict {
    open,     // not decided yet
    ready,    // a worker that was started after it is ready
    refused,  // the build or the check failed; the worker that ran runs
    lost,     // the next worker did not start, or ended before it was ready
};

// `before`: before it was asked for. `now`: after that was answered with ok.
ReloadVerdict reload_verdict(const control::StatusReport& before, const control::StatusReport& now);

}  // namespace oneloop
