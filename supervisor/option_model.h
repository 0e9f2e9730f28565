// option_model: the options of the command line as values, for what is generated from them:
// completions, and the keys of the configuration file. Pure.
#pragma once

#include <string>
#include <vector>

namespace oneloop {

struct OptionInfo {
    std::string name;   // "on-exit", without dashes
    char letter = 0;    // 'w', or none
    std::string about;  // one line
    std::string value;  // "WHAT"; empty: a flag
    bool list = false;  // may be given more than once
    bool bare = false;  // takes a value, but may stand alone
    std::vector<std::string> choices = {};
};
struct CommandInfo {
    std::string name;
    std::string about;
};
struct OptionModel {
    std::vector<OptionInfo> options;
    std::vector<CommandInfo> commands;
};

}  // namespace oneloop
