// child: one generation at a time, as the loop sees it: start, signal, kill, "it is gone".
//
// "Gone" means the whole tree: the warden ended with the kernel's word that nothing is left, or it
// was killed and we have ended what it left to us. Passive: it reports to its callbacks and decides
// nothing. Lives on the loop's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "supervisor/policy.h"
#include "supervisor/warden_start.h"

namespace oneloop {

class Child {
  public:
    struct Events {
        std::function<void(pid_t worker, std::uint64_t generation)> started;
        std::function<void(const WorkerEnd&)> leader_ended;
        std::function<void(int signal)> suspended;  // by job control
        std::function<void()> tree_gone;
    };

    // Opens the warden's executable, so that a later build or upgrade cannot mix versions. Throws
    // std::system_error when it is missing.
    Child(boost::asio::io_context& io, ChildSetup setup, Events events);
    ~Child();  // leaves no prepared warden behind
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    // Must not be called while alive(). Never fails: a start that failed is reported as
    // leader_ended(NotStarted) and tree_gone, from the loop.
    void spawn();
    // While the tree is being ended: gets the next warden ready meanwhile, which takes the lock and
    // starts a worker only when spawn() says so.
    void prepare();
    void drop_prepared();
    // Of the spawns from here on.
    void set_command(std::vector<std::string> command);
    // Without a lock: to the leader's whole process group, as a terminal's Ctrl-C.
    void signal_tree(int signal);
    // Not part of a stop: to the leader alone, TSTP and CONT to its process group.
    void pass(int signal);
    // warden_too: end the warden as well, when it did not do what it was told.
    void kill_tree(bool warden_too);

    [[nodiscard]] bool alive() const;
    [[nodiscard]] pid_t worker_pid() const;  // 0 while not started

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace oneloop
