// warden_start: what a warden is started with, and one that is ready before it is needed.
//
// A process costs a millisecond or two to make, and more with namespaces of its own. While one
// generation is being ended there is time for that, so the next warden is made then and waits for
// the word. Until it is said the warden has no lock and no child, and it ends with the supervisor.
// On the loop's thread.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/unique_fd.h"
#include "supervisor/family.h"
#include "supervisor/isolation.h"
#include "supervisor/launcher.h"
#include "supervisor/warden_protocol.h"

namespace oneloop {

struct ChildSetup {
    std::vector<std::string> command;
    std::vector<std::string> environment;  // of the worker, without what the warden adds
    std::vector<int> sockets;              // become 3, 4, … in the worker
    std::string state_directory;           // holds worker.lock; empty: no worker, so no lock
    std::string instance;                  // uuid
    std::string warden_path;
    int witness = -1;  // the warden keeps it as long as it lives; -1: there is none
    int cgroup = -1;   // directory of the group that the worker enters; -1: there is none
    std::string cgroup_path = {};
    Isolation isolation = Isolation::subreaper;
    bool autokill = false;             // of the warden, where the kernel was found to have it
    bool keep_stdin = false;           // the worker's is ours, else /dev/null
    std::function<Handing()> handing;  // of the terminal; asked at each spawn
    std::shared_ptr<Family> family = std::make_shared<Family>();
};

struct StartedWarden {
    pid_t pid = 0;
    UniqueFd pidfd;
    UniqueFd control;  // SOCK_SEQPACKET, warden_protocol.h
};

class WardenStart {
  public:
    // Both outlive it. Opens the warden's executable; throws std::system_error when it is missing.
    WardenStart(const ChildSetup& setup, Family& family);
    ~WardenStart();  // drops
    WardenStart(const WardenStart&) = delete;
    WardenStart& operator=(const WardenStart&) = delete;

    // Makes one ready. Without effect when there is one, when the terminal is to be handed over (by
    // whom, that is known at the start only), or when the kernel refuses: then start() will say so.
    void prepare();
    // Ends the one that is ready, if there is one, and waits for its end.
    void drop();
    // Lets the one that is ready begin, or a new one. The family knows it.
    // Error: socketpair(2), or as launcher.h says; then nothing is left.
    Result<StartedWarden> start();

  private:
    struct Ready {
        Launching launching;
        UniqueFd control;
        dev_t device;  // of the directory that it is in, and so the worker will be
        ino_t inode;
    };
    [[nodiscard]] Handing handing() const;
    Result<Ready> begin(Handing handing) const;
    [[nodiscard]] bool usable(Handing handing) const;

    const ChildSetup& setup_;
    Family& family_;
    UniqueFd warden_;  // O_PATH
    UniqueFd self_;    // pidfd of this process
    UniqueFd proc_;    // our /proc
    std::optional<Ready> ready_;
};

}  // namespace oneloop
