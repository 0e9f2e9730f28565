#include "supervisor/completions.h"

namespace oneloop {
namespace {

// In single quotes, for every shell: 'it'\''s'.
std::string quote(const std::string& text) {
    std::string quoted = "'";
    for (const char c : text)
        quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

std::string join(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words)
        text += (text.empty() ? "" : " ") + word;
    return text;
}

bool is_path(const OptionInfo& option) {
    return option.value.find("PATH") != std::string::npos ||
           option.value.find("FILE") != std::string::npos || option.value == "GLOB";
}
bool is_directory(const OptionInfo& option) {
    return option.value == "DIR";
}

// ---- bash ----
std::string bash_values(const OptionInfo& option) {
    if (!option.choices.empty())
        return "COMPREPLY=($(compgen -W " + quote(join(option.choices)) + " -- \"$cur\"))";
    // What is not known can't be completed; files would be a wrong guess.
    if (is_directory(option)) return "compopt -o filenames; COMPREPLY=($(compgen -d -- \"$cur\"))";
    if (is_path(option)) return "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))";
    return "COMPREPLY=()";
}

std::string bash(const OptionModel& model) {
    std::string cases;
    std::string names;
    std::string commands;
    for (const auto& option : model.options) {
        names += " --" + option.name;
        if (option.value.empty()) continue;
        std::string pattern = "--" + option.name;
        if (option.letter) pattern = std::string("-") + option.letter + "|" + pattern;
        // One that may stand alone may be followed by another option as well.
        const std::string unless = option.bare ? "[[ $cur == -* ]] || { " : "";
        cases += "        " + pattern + ") " + unless + bash_values(option) + "; return" +
                 (option.bare ? "; }" : "") + " ;;\n";
    }
    for (const auto& command : model.commands)
        commands += " " + command.name;
    return R"(# bash completion for supervisor. Use it with:  source <(supervisor --completions bash)
_supervisor() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} i
    COMPREPLY=()
    # What follows -- is a command of its own.
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} == -- ]]; then
            if ((COMP_CWORD == i + 1)); then
                COMPREPLY=($(compgen -c -- "$cur"))
            else
                compopt -o default
            fi
            return
        fi
    done
    # "=" is a word of its own here.
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]] && ((COMP_CWORD > 2)); then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    case $prev in
)" + cases +
           R"(    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W ')" +
           names.substr(names.empty() ? 0 : 1) + R"( --' -- "$cur"))
    elif ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W ')" +
           commands.substr(commands.empty() ? 0 : 1) + R"(' -- "$cur"))
    fi
}
complete -F _supervisor supervisor
)";
}

// ---- zsh ----
// Inside of an _arguments specification.
std::string zsh_text(const std::string& text) {
    std::string escaped;
    for (const char c : text) {
        if (c == '[' || c == ']' || c == ':' || c == '\\') escaped += '\\';
        escaped += c;
    }
    return escaped;
}

std::string zsh_value(const OptionInfo& option) {
    if (option.value.empty()) return "";
    std::string what = ":" + zsh_text(option.value) + ":";
    if (option.bare) what = ":" + what;
    if (!option.choices.empty()) return what + "(" + join(option.choices) + ")";
    if (is_directory(option)) return what + "_directories";
    if (is_path(option)) return what + "_files";
    return what;
}

std::string zsh(const OptionModel& model) {
    std::string specs;
    for (const auto& option : model.options) {
        const std::string about = "[" + zsh_text(option.about) + "]" + zsh_value(option);
        const std::string star = option.list ? "*" : "";
        const std::string equals = option.value.empty() ? "" : "=";
        specs += " \\\n        " + quote(star + "--" + option.name + equals + about);
        if (!option.letter) continue;
        const std::string plus = option.value.empty() ? "" : "+";
        specs += " \\\n        " + quote(star + "-" + std::string(1, option.letter) + plus + about);
    }
    std::string commands;
    for (const auto& command : model.commands)
        commands += "        " + quote(zsh_text(command.name) + ":" + command.about) + "\n";
    return R"(#compdef supervisor
# zsh completion for supervisor. Use it with:  source <(supervisor --completions zsh)
_supervisor() {
    local dashes=${words[(i)--]}
    # What follows -- is a command of its own.
    if ((dashes < CURRENT)); then
        shift $dashes words
        ((CURRENT -= dashes))
        _normal
        return
    fi
    if ((CURRENT == 2)) && [[ $words[2] != -* ]]; then
        local -a commands
        commands=(
)" + commands +
           R"(        )
        _describe command commands
    fi
    _arguments -s)" +
           specs + R"(
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _supervisor "$@"
else
    compdef _supervisor supervisor
fi
)";
}

// ---- fish ----
std::string letter_of(const OptionInfo& option) {
    return option.letter ? std::string(" -") + option.letter : "";
}

std::string fish(const OptionModel& model) {
    // What follows -- is a command of its own.
    std::string text =
        R"(# fish completion for supervisor. Use it with:  supervisor --completions fish | source
function __supervisor_options
    not contains -- -- (commandline -opc)
end
function __supervisor_first
    test (count (commandline -opc)) -eq 1
end
complete -c supervisor -f -n __supervisor_options
)";
    std::string after;
    for (const auto& command : model.commands) {
        text += "complete -c supervisor -f -n __supervisor_first -a " + quote(command.name) +
                " -d " + quote(command.about) + "\n";
    }
    for (const auto& option : model.options) {
        text += "complete -c supervisor -n __supervisor_options -l " + option.name;
        if (option.letter) text += std::string(" -s ") + option.letter;
        if (!option.choices.empty()) {
            text += " -x -a " + quote(join(option.choices));
        } else if (is_directory(option)) {
            text += " -x -a '(__fish_complete_directories)'";
        } else if (is_path(option)) {
            // fish asks for a value, or has none: for one that may stand alone there is a
            // condition.
            if (!option.bare) text += " -r -F";
            if (option.bare) after += " --" + option.name + letter_of(option);
        } else if (!option.value.empty()) {
            text += " -x";
        }
        text += " -d " + quote(option.about) + "\n";
    }
    if (!after.empty()) {
        text += "complete -c supervisor -F -n 'contains -- (commandline -opc)[-1]" + after + "'\n";
    }
    return text;
}

}  // namespace

std::optional<std::string> completions(const std::string& shell, const OptionModel& model) {
    if (shell == "bash") return bash(model);
    if (shell == "zsh") return zsh(model);
    if (shell == "fish") return fish(model);
    return std::nullopt;
}

}  // namespace oneloop
