// leftovers: which of a machine's processes are copies of the user's program that no supervisor
// keeps, an editor's or a forgotten terminal's. Pure: records in, findings out.
//
// Not for reading /proc (process_table) and not for ending anything (end_processes). No thread, no
// state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace oneloop {

// Which file, whatever its name: st_dev and st_ino. Both 0: unknown, and equal to nothing.
struct FileId {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    [[nodiscard]] bool same(const FileId& other) const {
        return inode != 0 && device == other.device && inode == other.inode;
    }
    friend bool operator==(const FileId&, const FileId&) = default;
};

// One process as /proc showed it. What belongs to somebody else stays unknown.
struct ProcessRecord {
    int pid = 0;
    int parent = 0;
    char state = '?';                    // proc(5), field 3 of stat
    unsigned uid = 0;                    // real
    std::uint64_t start = 0;             // clock ticks since boot: with the pid, the identity
    std::string terminal;                // "pts/3"; empty: none
    std::string program_path;            // as the kernel says it, " (deleted)" included
    FileId program;                      // /proc/PID/exe
    std::string directory_path;          // of work
    FileId directory;                    // /proc/PID/cwd
    std::vector<FileId> scripts;         // the files that arguments 1 and 2 name, seen from there
    std::vector<std::string> arguments;  // from argv[0] on; empty for a kernel thread or a zombie
    std::vector<std::string> holds;      // of the wanted addresses those it listens on
    bool tagged = false;                 // ONELOOP_INSTANCE is in its environment
    bool supervisor = false;             // has a supervisor.lock open
};

// What the user wants to start, resolved.
struct Wanted {
    int self = 0;  // pid of who asks: it and its ancestors are never listed
    unsigned uid = 0;
    std::vector<std::string> command;  // empty: only the addresses count
    FileId program;                    // command[0] by PATH
    std::string program_path;
    bool script = false;  // it starts with "#!"
    FileId interpreter;   // what that line names, through env(1) too
    FileId directory;     // of work
    std::string directory_path;
};

struct Finding {
    ProcessRecord process;
    std::vector<std::string> reasons;  // never empty
};

// In order of start.
std::vector<Finding> find_leftovers(const std::vector<ProcessRecord>& processes,
                                    const Wanted& wanted);

// True when `process` is a supervisor or a warden, or has a living one above it; also when it
// carries a supervisor's tag and what is above it can't be seen: in doubt it is not a leftover.
bool is_owned(const ProcessRecord& process, const std::vector<ProcessRecord>& processes);

// Why `now` is not the process that was `listed`, though it has its pid; none when it is.
std::optional<std::string> why_not_same(const ProcessRecord& listed, const ProcessRecord& now);

}  // namespace oneloop
