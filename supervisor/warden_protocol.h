// What supervisor and warden say to each other over one SOCK_SEQPACKET socket pair: one struct, one
// packet. Both are built together and the supervisor starts the warden from a descriptor it opened
// at its own start, so there is no version to negotiate.
#pragma once

#include <array>
#include <cstdint>

namespace oneloop {

// supervisor → warden
struct WardenOrder {
    enum class Kind : std::uint8_t {
        begin,   // the first one: nothing of the generation before is left, take the lock and start
        signal,  // `signal` and CONT to the leader; to whatever is left when the leader is gone
        kill,    // KILL to every descendant until none is left, then exit
        pass,    // `signal` alone; a stop or CONT to the leader's whole group, as a terminal does
    };
    Kind kind = Kind::signal;
    std::int32_t signal = 0;
};

// warden → supervisor
struct WardenNotice {
    enum class Kind : std::uint8_t {
        started,      // the command was executed: pid, generation
        suspended,    // job control stopped the leader that was handed the terminal: signal
        ended,        // the leader ended: wait_status
        lock_busy,    // somebody holds worker.lock
        not_started,  // `stage` failed with `error`; no user code has run
    };
    enum class Stage : std::uint8_t { none, lock, fork, exec };
    Kind kind = Kind::started;
    Stage stage = Stage::none;
    std::int32_t pid = 0;  // as the supervisor's PID namespace has it
    std::int32_t wait_status = 0;
    std::int32_t error = 0;
    std::int32_t signal = 0;
    std::uint64_t generation = 0;
    std::array<char, 256> text{};  // of a failure, NUL-terminated
};

// The warden exits with 0 only after waitid(2) said ECHILD: nothing of this generation is left. Any
// other end means that the supervisor has to look for strays itself.
inline constexpr int warden_tree_is_gone = 0;
inline constexpr int warden_failed = 70;

// Descriptors of the warden: 0 to 2 as the worker will have them, `sockets` many handed-over
// sockets from 3 on, then these. outer_proc is the supervisor's /proc: in it "self" is the reader's
// pid as the supervisor has it, also from inside another PID namespace.
constexpr int warden_control_fd(int sockets) {
    return 3 + sockets;
}
constexpr int warden_supervisor_pidfd(int sockets) {
    return 4 + sockets;
}
constexpr int warden_outer_proc(int sockets) {
    return 5 + sockets;
}

// The control group that the worker enters, where CGROUP names it, and then the instance's name
// in the kernel, where there is one. The warden only keeps that, for the name is taken while a
// process has the socket.
constexpr int warden_cgroup(int sockets) {
    return 6 + sockets;
}
constexpr int warden_last_fd(int sockets) {
    return 7 + sockets;
}

// argv: warden SOCKETS INSTANCE STATE_DIRECTORY STDIN CGROUP COMMAND...
inline constexpr int warden_first_command_argument = 6;

// CGROUP: the path of the group, or this.
inline constexpr const char* no_cgroup = "-";

// STATE_DIRECTORY "-": the command is no worker but a build or a hook. There is no lock, no number
// and no variable, and a signal is for its whole process group.
inline constexpr const char* warden_no_lock = "-";

// STDIN: what the worker is to do with the terminal on descriptor 0.
enum class Handing {
    none,        // it is none, or not the worker's business
    background,  // the worker belongs to its session, but somebody else has the foreground
    foreground,  // the worker's group becomes the foreground
};
inline constexpr std::array<const char*, 3> handing_names = {"-", "background", "foreground"};

}  // namespace oneloop
