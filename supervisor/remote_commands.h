// remote_commands: supervisor status, ps, why, restart, reload, pause, resume, stop and clean, the
// rows of commands. They parse their arguments, ask the supervisor (remote) and print what it says.
//
// Each takes the arguments after its name and returns the exit code: 0, 64 for arguments and when
// it is not clear which instance is meant, 69 when none runs, and of a reload 78 when
// it is refused.
#pragma once

#include <string>
#include <vector>

namespace oneloop {

int status_command(const std::vector<std::string>& arguments);
int ps_command(const std::vector<std::string>& arguments);
int why_command(const std::vector<std::string>& arguments);
int restart_command(const std::vector<std::string>& arguments);
int reload_command(const std::vector<std::string>& arguments);
int pause_command(const std::vector<std::string>& arguments);
int resume_command(const std::vector<std::string>& arguments);
int stop_command(const std::vector<std::string>& arguments);
int clean_command(const std::vector<std::string>& arguments);

}  // namespace oneloop
