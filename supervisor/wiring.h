// wiring: what the command line means for each part of the loop. Values in, values out.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "supervisor/change_gate.h"
#include "supervisor/child.h"
#include "supervisor/commentary.h"
#include "supervisor/control_protocol.h"
#include "supervisor/instance.h"
#include "supervisor/lifecycle.h"
#include "supervisor/options.h"
#include "supervisor/terminal.h"

namespace oneloop {

LifecycleOptions lifecycle_options(const Options& options);
ChangeGate::Options gate_options(const Options& options);
Terminal::Use terminal_use(const Options& options);
Commentary::Facts commentary_facts(const Options& options, Isolation isolation);
ChildSetup child_setup(const Options& options, Isolation isolation, const Instance& instance,
                       const std::vector<ListenSocket>& sockets, std::function<Handing()> handing);

// What a status says for as long as we run.
control::StatusReport status_facts(const Options& options, Isolation isolation,
                                   const Instance& instance,
                                   const std::vector<ListenSocket>& sockets);

// The command's own program, when it is one that may be rebuilt here; none for what a package
// installed.
std::vector<std::string> programs_to_watch(const Options& options);

// The worker's environment: ours without what is handed over, plus the flag, the instance, the
// sockets' description and what the preset adds.
std::vector<std::string> worker_environment(const Options& options, const std::string& uuid,
                                            const std::vector<ListenSocket>& sockets);

}  // namespace oneloop
