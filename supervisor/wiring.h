// wiring: what the command line means for each part of the loop. Values in, values out.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "supervisor/build_gate.h"
#include "supervisor/builder.h"
#include "supervisor/change_gate.h"
#include "supervisor/child.h"
#include "supervisor/commentary.h"
#include "supervisor/control_protocol.h"
#include "supervisor/instance.h"
#include "supervisor/lifecycle.h"
#include "supervisor/options.h"
#include "supervisor/terminal.h"
#include "supervisor/vitals.h"

namespace oneloop {

LifecycleOptions lifecycle_options(const Options& options);
ChangeGate::Options gate_options(const Options& options);
Terminal::Use terminal_use(const Options& options);
Commentary::Facts commentary_facts(const Options& options, Isolation isolation);
BuildOptions build_options(const Options& options);
// Of a build or a hook: no lock, no socket, no variable of a worker's.
ChildSetup helper_setup(const Options& options, Isolation isolation, const Instance& instance,
                        std::shared_ptr<Family> family);
std::vector<Builder::Step> build_steps(const Options& options);
ChildSetup child_setup(const Options& options, Isolation isolation, const Instance& instance,
                       const std::vector<ListenSocket>& sockets, const std::string& notify_address,
                       std::function<Handing()> handing, std::shared_ptr<Family> family);
// `managed`: a service manager wants to hear from us, and so from the worker.
VitalsSetup vitals_setup(const Options& options, const Instance& instance,
                         const std::vector<ListenSocket>& sockets, bool managed);

// What a status says for as long as we run.
control::StatusReport status_facts(const Options& options, Isolation isolation,
                                   const Instance& instance,
                                   const std::vector<ListenSocket>& sockets);

// The command's own program, when it is one that may be rebuilt here; none for what a package
// installed, and none with --build, whose product it is.
std::vector<std::string> programs_to_watch(const Options& options);

// The worker's environment: ours without what is handed over, plus the flag, the instance, the
// sockets' description, where it may say that it is ready (empty: nowhere), and what the preset
// adds.
std::vector<std::string> worker_environment(const Options& options, const std::string& uuid,
                                            const std::vector<ListenSocket>& sockets,
                                            const std::string& notify_address);

}  // namespace oneloop
